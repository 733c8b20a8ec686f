"""Tasks as CSV: what `engine tasks --csv` writes, `engine submit --csv` reads.

| column | holds |
|---|---|
| `ref` | the task's ref; empty, or no such column: one is generated |
| `NAME` | the parameter NAME, by its declared type: text as it is, all else as JSON |
| `NAME:json` | the parameter NAME as JSON, whatever its type |
| `data:NAME` | the parameter NAME, where NAME alone would mean something else |
| `task:…` | about the task, for people: not read |

An empty cell is a parameter that the task does not have.

A program for tables runs a cell that begins with `=`, `+`, `-` or `@` as a formula, and a task's
data are anybody's: such text is written with an apostrophe before it, which reading takes away.
"""

import csv
import re
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import msgspec

from engine.core.masking import HIDDEN
from engine.errors import InvalidData
from engine.web.strict_json import repeated_name

REF, JSON, DATA, TASK = "ref", ":json", "data:", "task:"
ABOUT = ("task_id", "status", "node", "created", "changed", "finished")
DIVIDERS = ",;\t|"
LONGEST_CELL = 2**31 - 1
LONGEST_TITLES = 2**20
TEXT = "string"

Types = Mapping[str, str]
"""The declared type of each parameter that has one."""

# What starts a formula, in some languages also in full width; a number or a phone is none.
_FORMULA = re.compile("'*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)


# Writing.


class Export:
    """Tasks on their way into a file: kept on disk until every column is known."""

    def __init__(self, types: Types, outputs: Collection[str]) -> None:
        self._types = types
        self._outputs = outputs
        self._names: dict[str, None] = {}
        self._as_json: set[str] = set()
        self._spool = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`
        self.count = 0

    def add(self, task: Mapping[str, Any]) -> None:
        """Takes the JSON object of a task."""
        for name, value in task["data"].items():
            self._names[name] = None
            if self._types.get(name, TEXT) == TEXT and (not isinstance(value, str) or not value):
                # As text it would come back as another value, or not at all.
                self._as_json.add(name)
        self._spool.write(msgspec.json.encode(task) + b"\n")
        self.count += 1

    def write(self, file: IO[str]) -> None:
        """Writes a row a task: what a new task takes first, what only tells about it last."""
        own = [name for name in self._names if self._can_be_given(name)]
        others = [name for name in self._names if not self._can_be_given(name)]
        writer = csv.writer(file)
        about = [*(TASK + name for name in ABOUT), f"{TASK}error"]
        about += [f"{TASK}{DATA}{name}" for name in others]
        titles = [self._title(name) for name in own]
        file.write(",".join(_quoted(shielded(title)) for title in (REF, *titles, *about)) + "\r\n")
        self._spool.seek(0)
        for line in self._spool:
            task = msgspec.json.decode(line)
            data, error = task["data"], task["error"]
            cells = ["" if task["ref"] == task["task_id"] else task["ref"]]
            cells += [self._cell(data, name) for name in own]
            cells += [_text(task[name]) for name in ABOUT]
            cells += ["" if error is None else f"{error['tag']}: {error['description']}"]
            cells += [_text(data.get(name)) for name in others]
            writer.writerow(map(shielded, cells))

    def close(self) -> None:
        """Lets go of what was kept."""
        self._spool.close()

    def _can_be_given(self, name: str) -> bool:
        """Whether a new task takes this parameter; a process that declares nothing takes any."""
        if name.startswith("__"):
            return False
        return name not in self._outputs and (name in self._types or not self._types)

    def _title(self, name: str) -> str:
        is_taken = name in (REF, "") or name.startswith((DATA, TASK)) or name != name.strip()
        ending = JSON if name in self._as_json or name.endswith(JSON) else ""
        return f"{DATA if is_taken else ''}{name}{ending}"

    def _cell(self, data: Mapping[str, Any], name: str) -> str:
        value = data.get(name)
        if name not in data or value == HIDDEN:
            return ""
        is_text = self._types.get(name, TEXT) == TEXT and name not in self._as_json
        if is_text and not name.endswith(JSON):
            return str(value)
        return msgspec.json.encode(value).decode()


def shielded(text: str) -> str:
    """Gives a cell that no program runs; `unshielded` gives back what it was."""
    is_harmless = _NUMBER.fullmatch(text) or not _FORMULA.match(text)
    return text if is_harmless else f"'{text}"


def unshielded(cell: str) -> str:
    """Gives the text of a cell."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def _quoted(title: str) -> str:
    """Quotes whatever could be taken for a divider: by the first row a file is told."""
    if any(sign in title for sign in '"\r\n' + DIVIDERS):
        return '"' + title.replace('"', '""') + '"'
    return title


def _text(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return msgspec.json.encode(value).decode()


# Reading.


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a file: the task that it asks for, or why it can't be read."""

    number: int
    ref: str
    data: Mapping[str, Any]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    is_ref: bool = False
    is_read: bool = True
    is_json: bool = False


def read(file: Path, types: Types) -> Iterator[Row]:
    """Reads a file row by row; a row that can't be read is given with all reasons.

    Raises:
        InvalidData: the file can't be read at all, or its first row can't be names.
    """
    csv.field_size_limit(LONGEST_CELL)
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            divider = _divider(opened.read(LONGEST_TITLES))
            opened.seek(0)
            lines = csv.reader(opened, strict=True, delimiter=divider)
            columns = _columns(next(lines, []), file)
            for number, cells in enumerate(lines, start=2):
                if cells:
                    yield _row(number, cells, columns, types)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidData(f"{file.name} can't be read as CSV: {error}") from None


def _divider(start: str) -> str:
    """Gives what divides the names: a comma, or what programs in other countries write."""
    counts = dict.fromkeys(DIVIDERS, 0)
    is_quoted = False
    for sign in start:
        if sign == '"':
            is_quoted = not is_quoted
        elif not is_quoted and sign in "\r\n":
            break
        elif not is_quoted and sign in counts:
            counts[sign] += 1
    return max(DIVIDERS, key=lambda sign: (counts[sign], -DIVIDERS.index(sign)))


def _columns(titles: Iterable[str], file: Path) -> list[_Column]:
    written = [unshielded(title) for title in titles]
    columns = [_column(title if title.startswith(DATA) else title.strip()) for title in written]
    names = [REF if each.is_ref else each.name for each in columns if each.is_read]
    if not names or not all(title.strip() for title in written):
        raise InvalidData(
            f"{file.name}: its first row must name every column",
            hint="row 1 holds the names of parameters, and 'ref' for the ref",
        )
    read_once = {(each.name, each.is_ref) for each in columns if each.is_read}
    if len(read_once) != len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise InvalidData(f"{file.name}: its first row names {', '.join(map(repr, twice))} twice")
    return columns


def _column(title: str) -> _Column:
    if title == REF:
        return _Column("", is_ref=True)
    if title.startswith(TASK):
        return _Column(title, is_read=False)
    name = title.removesuffix(JSON)
    return _Column(name.removeprefix(DATA), is_json=name != title)


def _row(number: int, cells: Sequence[str], columns: Sequence[_Column], types: Types) -> Row:
    if len(cells) != len(columns):
        reason = f"it has {len(cells)} cells, and the first row {len(columns)} names"
        return Row(number, "", {}, reason)
    ref = ""
    data: dict[str, Any] = {}
    reasons: list[str] = []
    for column, cell in zip(columns, cells, strict=True):
        if not cell or not column.is_read:
            continue
        text = unshielded(cell)
        if column.is_ref:
            ref = text
        elif column.is_json:
            try:
                data[column.name] = _json(text)
            except ValueError as error:
                reasons.append(f"'{column.name}' is not JSON: {error}")
        else:
            data[column.name] = _typed(text, types.get(column.name, TEXT))
    return Row(number, ref, data, "; ".join(reasons))


def _typed(text: str, kind: str) -> Any:
    """Converts a text to the declared type; as text it is refused with all that is wrong."""
    bare = text.strip()
    if kind == TEXT:
        return text
    if kind == "boolean":
        # Programs for tables write TRUE.
        return {"true": True, "false": False}.get(bare.lower(), text)
    if kind == "number" and _NUMBER.fullmatch(bare):
        return int(bare) if bare.lstrip("+-").isdigit() else float(bare)
    try:
        return _json(bare)
    except ValueError:
        return text


def _json(text: str) -> Any:
    try:
        value = msgspec.json.decode(text)
        name = repeated_name(text.encode(), value)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        raise ValueError(str(error)) from None
    if name is not None:
        raise ValueError(f"'{name}' is there twice in one object")
    return value
