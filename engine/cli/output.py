"""What commands print: for a person or as JSON, and what goes wrong, with its exit code."""

import sys
from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import Any

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from engine import errors
from engine.core.masking import NOTHING_HIDDEN
from engine.errors import EngineError

Json = dict[str, Any]


class Exit(IntEnum):
    """The exit codes that scripts rely on."""

    DONE = 0
    FAILED = 1  # the task ended in an error node, or the check found faults
    USAGE = 2
    NOT_FOUND = 3
    REFUSED = 4
    UNREACHABLE = 5
    WAITED_IN_VAIN = 124


_NOT_FOUND = (errors.UnknownProcess, errors.UnknownTask, errors.UnknownNode)
_UNREACHABLE = (errors.StoreError, errors.EngineUnreachable, errors.Busy)

STATUS_COLOURS = {"success": "green", "error": "red", "waiting": "yellow", "running": "cyan"}


def exit_code(error: EngineError) -> Exit:
    """Says with which code a command ends after an error."""
    if isinstance(error, _NOT_FOUND):
        return Exit.NOT_FOUND
    if isinstance(error, errors.SettingsError):
        return Exit.USAGE
    if isinstance(error, errors.WaitedInVain):
        return Exit.WAITED_IN_VAIN
    if isinstance(error, _UNREACHABLE):
        return Exit.UNREACHABLE
    return Exit.REFUSED


class Output:
    """Where a command prints to. With `is_json` nothing but JSON goes to standard output."""

    def __init__(self, *, is_json: bool = False) -> None:
        self.is_json = is_json
        self.masker = NOTHING_HIDDEN  # of what is secret in the settings, once they are known
        self.console = Console(highlight=False, soft_wrap=True)
        self.messages = Console(stderr=True, highlight=False, soft_wrap=True)

    @property
    def is_for_eyes(self) -> bool:
        """Whether somebody looks at a terminal."""
        return not self.is_json and sys.stdout.isatty() and self.console.is_interactive

    def document(self, value: Any) -> None:
        """Prints one JSON document."""
        _write(msgspec.json.format(msgspec.json.encode(value), indent=2))

    def lines(self, values: Iterable[Any]) -> None:
        """Prints one JSON document a line."""
        for value in values:
            _write(msgspec.json.encode(value))

    def say(self, text: str) -> None:
        """Prints a line for a person; `text` may hold markup."""
        if not self.is_json:
            self.console.print(text)

    def note(self, text: str) -> None:
        """Prints a message beside the output, such as what is happening."""
        self.messages.print(text)

    def table(self, titles: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Prints a table; cells may hold markup."""
        table = Table(box=None, header_style="bold", pad_edge=False)
        for title in titles:
            table.add_column(title, overflow="fold")
        for row in rows:
            table.add_row(*row)
        self.console.print(table)

    def error(self, error: EngineError) -> None:
        """Prints what went wrong."""
        message, hint = self.masker.text(str(error)), self.masker.text(error.hint)
        if self.is_json:
            found = {"kind": error.kind, "message": message, "hint": hint}
            sys.stderr.write(msgspec.json.encode({"error": found}).decode() + "\n")
            return
        self.messages.print(f"[red]error:[/] {escape(message)}")
        if hint:
            self.messages.print(f"[dim]{escape(hint)}[/]")


def _write(json: bytes) -> None:
    """Writes a line of JSON: UTF-8, whatever the terminal speaks."""
    sys.stdout.flush()
    sys.stdout.buffer.write(json + b"\n")
    sys.stdout.buffer.flush()


def counted(number: int, noun: str) -> str:
    """Writes a number of things."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def coloured(status: str) -> str:
    """Writes a task's status in its colour."""
    return f"[{STATUS_COLOURS.get(status, 'default')}]{status}[/]"


def task_lines(task: Json) -> Iterable[str]:
    """Describes a task in a few lines, with markup."""
    yield (
        f"[bold]{escape(task['ref'])}[/]  {coloured(task['status'])}  "
        f"in [bold]{escape(task['node'])}[/] ({escape(task['node_title'])})"
    )
    yield f"  process  {task['process']}, version {task['version']}, task id {task['task_id']}"
    times = [f"created {task['created']}", f"changed {task['changed']}"]
    if task["finished"]:
        times.append(f"finished {task['finished']}")
    yield "  times    " + ", ".join(times)
    if task["error"]:
        error = task["error"]
        yield f"  error    [red]{escape(error['tag'])}[/] ({error['kind']}): " + escape(
            error["description"]
        )
    for name, value in task["data"].items():
        shown = value if isinstance(value, str) else msgspec.json.encode(value).decode()
        yield f"  [dim]{escape(name)}[/] = {escape(shown)}"
