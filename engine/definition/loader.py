"""Process files and folders to definitions, with every fault found."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.definition.catalog import Catalog
from engine.definition.checks import check_definition
from engine.definition.fault import TOP, Fault, fault_at
from engine.definition.neighbours import check_workspace
from engine.definition.process import Definition
from engine.definition.reader import read_definition
from engine.errors import DefinitionError
from engine.pattern import few_patterns

_ENDINGS = {".yaml", ".yml"}


@dataclass(frozen=True, slots=True)
class Loaded:
    """What some files hold: the definitions without errors, and all faults in order."""

    definitions: tuple[Definition, ...]
    faults: tuple[Fault, ...]
    files: int = 1

    @property
    def errors(self) -> tuple[Fault, ...]:
        """The faults that keep a process from being put into force."""
        return tuple(fault for fault in self.faults if fault.is_error)

    def checked(self) -> tuple[Definition, ...]:
        """Gives the definitions if nothing is wrong with any file.

        Raises:
            DefinitionError: there are errors; it carries all of them.
        """
        if self.errors:
            raise DefinitionError(self.errors)
        return self.definitions


def load_files(paths: Iterable[Path | str], catalog: Catalog | None = None) -> Loaded:
    """Loads files, and folders with all they hold, and checks them together.

    In folders, `*.test.yaml` and whatever begins with a dot are passed over.
    """
    found = list(dict.fromkeys(file for path in paths for file in _files_in(Path(path))))
    read: list[tuple[str, str | bytes | Fault]] = []
    for file in found:
        try:
            read.append((str(file), file.read_bytes()))
        except OSError as error:
            message = f"the file can't be read: {error.strerror or error}"
            read.append((str(file), fault_at(TOP, "unreadable-file", message, file=str(file))))
    return _load(read, catalog)


def load_text(content: str | bytes, file: str, catalog: Catalog | None = None) -> Loaded:
    """Loads one process from a text and checks it as if it were alone in its workspace."""
    return _load([(file, content)], catalog)


def _load(read: list[tuple[str, str | bytes | Fault]], catalog: Catalog | None) -> Loaded:
    catalog = catalog or Catalog.installed()
    definitions: list[Definition] = []
    faults: list[Fault] = []
    for file, content in read:
        if isinstance(content, Fault):
            faults.append(content)
            continue
        with few_patterns():
            definition, found = read_definition(content, file, catalog)
            faults += found
            if definition is not None:
                definitions.append(definition)
                faults += check_definition(definition)
    faults += check_workspace(definitions)
    broken = {fault.file for fault in faults if fault.is_error}
    whole = tuple(each for each in definitions if each.file not in broken)
    return Loaded(whole, tuple(sorted(set(faults))), len(read))


def _files_in(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    for file in sorted(path.rglob("*")):
        below = file.relative_to(path).parts
        is_hidden = any(part.startswith(".") for part in below)
        if file.suffix in _ENDINGS and not is_hidden and not _is_test(file) and file.is_file():
            yield file


def _is_test(file: Path) -> bool:
    return file.stem.endswith(".test")
