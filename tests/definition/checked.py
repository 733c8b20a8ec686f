"""One file through `engine check`, as people run it, and what may be said of its answer."""

import contextlib
import io
import json
import sys
import tempfile
import traceback
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from time import process_time

import typer

from engine.cli.check import check
from engine.cli.output import Exit
from engine.definition import compile_graph, drawing_of, load_files, rules


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of a file: what is wrong with the answer, and what the answer says."""

    number: int
    size: int
    problems: tuple[str, ...]
    rules: frozenset[str]
    cpu_s: float


@cache
def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="conveyor-mutations-"))


def check_file(number: int, content: bytes, folder: Path | None = None) -> Checked:
    """Has a file checked for people or, every second one, for programs; judges the answer."""
    file = (folder or _folder()) / "p.yaml"
    file.write_bytes(content)
    before = process_time()
    code, out, err = _run(file, is_json=number % 2 == 0)
    cpu_s = process_time() - before
    loaded = load_files([file])
    problems = [*_of_answer(code, out, err, has_errors=bool(loaded.errors))]
    if not problems:
        problems += _of_faults(file, content, loaded.faults)
        problems += _of_use(loaded.definitions)
    return Checked(
        number, len(content), tuple(problems), frozenset(each.rule for each in loaded.faults), cpu_s
    )


def _run(file: Path, *, is_json: bool) -> tuple[int, bytes, str]:
    """Runs the command in this process; gives its exit code and what it printed."""
    out, err, code = io.BytesIO(), io.StringIO(), 0
    printed = io.TextIOWrapper(out, encoding="utf-8", write_through=True)
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(err):
        try:
            check([file], json=is_json)
        except typer.Exit as ended:
            code = ended.exit_code
        except BaseException:  # noqa: BLE001 -- whatever comes out is what is looked for
            err.write(traceback.format_exc())
            code = -1
    return code, out.getvalue(), err.getvalue()


def _of_answer(code, out, err, *, has_errors):
    if code not in (Exit.DONE, Exit.FAILED) or err:
        yield f"it ended with {code}: {err.strip()[-500:]}"
    elif (code == Exit.FAILED) is not has_errors:
        yield f"it ended with {code}"
    elif not out:
        yield "it said nothing"
    elif out.startswith(b"{"):
        json.loads(out)


def _of_faults(file, content, faults):
    text = content.decode("utf-8", "replace").removeprefix("\ufeff")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for fault in faults:
        if fault.file != str(file) or fault.rule not in rules() or not fault.message:
            yield f"an odd fault: {fault!r}"
        elif not 1 <= fault.line <= len(lines):
            yield f"a line that is not there: {fault}"
        elif not 1 <= fault.column <= len(lines[fault.line - 1]) + 1:
            yield f"a column that is not there: {fault}"
        elif "Traceback" in fault.message or "object at 0x" in fault.message:
            yield f"a message for nobody: {fault}"


def _of_use(definitions):
    """What has no fault can be put into force and drawn."""
    for definition in definitions:
        try:
            compile_graph(definition, version=1, conv_id=1)
            drawing_of(definition)
        except Exception:  # noqa: BLE001 -- as above
            yield f"it has no fault and can't be used: {traceback.format_exc()[-500:]}"


def steps_of(work) -> int:
    """Counts the calls of functions that some work makes: the same on every machine."""
    steps = 0

    def count(frame, event, argument):
        nonlocal steps
        steps += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return steps
