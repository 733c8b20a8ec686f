"""How a command is run: settings put together, errors turned into a line and an exit code."""

import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import typer

from engine.cli.output import Exit, Output, counted, exit_code
from engine.core.masking import Masker
from engine.errors import DefinitionError, EngineError, SettingsError
from engine.settings import Settings, load_settings

INTERRUPTED = 130


@dataclass(slots=True)
class Common:
    """The options that stand before or after every command; filled by `main`."""

    debug: bool = False
    options: dict[str, Any] = field(default_factory=dict)


common = Common()

Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
Database = Annotated[
    str | None,
    typer.Option("--database", help="The database, such as sqlite:///engine.db.", metavar="URL"),
]
Processes = Annotated[
    str | None, typer.Option("--processes", help="The folder of process files.", metavar="DIR")
]
Server = Annotated[
    str | None, typer.Option("--server", help="An engine on another machine.", metavar="URL")
]
Process = Annotated[str, typer.Argument(help="The process, by its alias.", metavar="PROCESS")]
Ref = Annotated[str, typer.Argument(help="The task's ref or id.", metavar="REF")]


def usage_error(message: str) -> int:
    """Reports a command line that can't be understood, as JSON; gives the exit code."""
    return report(Output(is_json=True), SettingsError(message, hint="see 'engine --help'"))


def report(output: Output, error: EngineError) -> int:
    """Prints an error; gives the exit code."""
    output.error(error)
    return exit_code(error)


def run(
    work: Callable[[Settings, Output], Awaitable[int]],
    *,
    is_json: bool,
    load: Callable[[Mapping[str, Any]], Settings] = load_settings,
    **given: Any,
) -> None:
    """Runs a command's work and ends with its exit code."""
    output = Output(is_json=is_json)
    code: int = INTERRUPTED
    try:
        settings = load(given)
        output.masker = Masker().plus(settings.secret_values())
        _log_to_standard_error(settings, output.masker)
        code = _in_loop(work(settings, output))
    except DefinitionError as error:
        _print_faults(output, error)
        code = Exit.REFUSED
    except EngineError as error:
        code = report(output, error)
    except (KeyboardInterrupt, asyncio.CancelledError):
        output.note("interrupted")
    except BrokenPipeError:
        code = Exit.DONE
        sys.stderr.close()
    except Exception as error:  # the last door: no traceback reaches a person who did not ask
        if common.debug:
            raise
        output.error(
            EngineError(
                f"a fault of the engine: {type(error).__name__}: {error}",
                hint="run it again with 'engine --debug …' and report what it prints",
            )
        )
        code = Exit.UNREACHABLE
    if code:
        raise typer.Exit(int(code))


def _log_to_standard_error(settings: Settings, masker: Masker) -> None:
    level = "DEBUG" if common.debug else settings.log_level.upper()
    known = logging.getLevelNamesMapping()
    if level not in known:
        raise SettingsError(
            f"log_level: there is no '{settings.log_level}'",
            hint="one of debug, info, warning, error, critical",
        )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Masked(masker))
    logging.basicConfig(level=known[level], handlers=[handler])


class _Masked(logging.Formatter):
    """Writes a line of the log without the secrets of the settings, whoever logs it."""

    def __init__(self, masker: Masker) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._masker = masker

    def format(self, record: logging.LogRecord) -> str:
        return self._masker.text(super().format(record))


def _in_loop(work: Awaitable[int]) -> int:
    """Runs on uvloop where there is one; Ctrl-C and SIGTERM cancel the work, which cleans up."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(_cancelled_by_signals(work))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415 -- absent on Windows
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _cancelled_by_signals(work: Awaitable[int]) -> int:
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, task.cancel)
    return await task


def _print_faults(output: Output, error: DefinitionError) -> None:
    if output.is_json:
        output.error(error)
        return
    for fault in error.faults:
        output.messages.print(str(fault), markup=False)
    output.messages.print(f"{counted(len(error.faults), 'fault')}: nothing was changed")
