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
    return _load(_read(paths), catalog)


def read_files(paths: Iterable[Path | str]) -> list[tuple[str, str]]:
    """Reads the files that `load_files` would load, as (file, text), without checking them.

    Raises:
        DefinitionError: one can't be read, or is not text.
    """
    return [(file, _text(file, content)) for file, content in _read(paths)]


def _read(paths: Iterable[Path | str]) -> list[tuple[str, bytes | Fault]]:
    found = list(dict.fromkeys(file for path in paths for file in _files_in(Path(path))))
    read: list[tuple[str, bytes | Fault]] = []
    for file in found:
        try:
            read.append((str(file), file.read_bytes()))
        except OSError as error:
            message = f"the file can't be read: {error.strerror or error}"
            read.append((str(file), fault_at(TOP, "unreadable-file", message, file=str(file))))
    return read


def _text(file: str, content: bytes | Fault) -> str:
    if isinstance(content, Fault):
        raise DefinitionError([content])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DefinitionError(load_text(content, file).errors) from None


def load_text(content: str | bytes, file: str, catalog: Catalog | None = None) -> Loaded:
    """Loads one process from a text and checks it as if it were alone in its workspace."""
    return _load([(file, content)], catalog)


def load_texts(
    texts: Iterable[tuple[str, str | bytes]],
    beside: Iterable[Definition] = (),
    catalog: Catalog | None = None,
) -> Loaded:
    """Loads processes from (file, text) and checks them together with others, already checked."""
    return _load(list(texts), catalog, beside)


def _load(
    read: Iterable[tuple[str, str | bytes | Fault]],
    catalog: Catalog | None,
    beside: Iterable[Definition] = (),
) -> Loaded:
    catalog = catalog or Catalog.installed()
    read = list(read)
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
    faults += _between(definitions, beside)
    broken = {fault.file for fault in faults if fault.is_error}
    whole = tuple(each for each in definitions if each.file not in broken)
    return Loaded(whole, tuple(sorted(set(faults))), len(read))


def _between(definitions: list[Definition], beside: Iterable[Definition]) -> Iterator[Fault]:
    """Finds what processes have wrong between them; what others have wrong is theirs."""
    own = {each.process for each in definitions}
    others = [each for each in beside if each.process not in own]
    files = {each.file for each in definitions}
    return (fault for fault in check_workspace([*definitions, *others]) if fault.file in files)


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
