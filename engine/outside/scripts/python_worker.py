"""A worker for one Python function: reads one job, locks itself in, answers, ends.

Python has no walls within a process, so the process is the wall: a filter of system calls that
leaves memory, the clock and this one answer. Without it nothing is run.
"""

import contextlib
import importlib
import json
import os
import resource
import signal
import sys
import types
from typing import Any

from engine.outside.scripts import confine, seccomp
from engine.outside.scripts.frame import READY, Job, Kind, read_job
from engine.outside.scripts.worker import GRACE_S, Answer, line

USUAL = "handle"
LIBRARY = (
    "abc", "array", "base64", "binascii", "bisect", "calendar", "cmath", "collections",
    "collections.abc", "contextlib", "copy", "csv", "dataclasses", "datetime", "decimal",
    "difflib", "enum", "fractions", "functools", "hashlib", "heapq", "hmac", "html", "io",
    "itertools", "json", "math", "numbers", "operator", "random", "re", "secrets", "statistics",
    "string", "struct", "textwrap", "time", "types", "typing", "unicodedata", "urllib.parse",
    "uuid", "zlib", "_strptime", "encodings.ascii", "encodings.idna", "encodings.latin_1",
    "encodings.utf_16", "encodings.utf_8_sig",
)  # fmt: skip
"""What a function may import: read before the door closes, since later no file can be."""


def main() -> None:  # pragma: no cover -- runs confined
    """Runs one job."""
    confine.confine()
    for name in LIBRARY:
        importlib.import_module(name)
    answers = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)  # what a function prints is no answer
    _write(answers, READY)
    job = read_job(sys.stdin.buffer)
    if job is not None:
        _bound(job)
        if seccomp.leave_nothing(but_timers=False):
            answer = run(job)
        else:
            answer = Answer(Kind.UNSUPPORTED, "Python needs Linux with seccomp on x86-64 or ARM")
        _write(answers, line(answer))
    os._exit(0)


def run(job: Job) -> Answer:
    """Runs a function and says what it made of its data."""
    path = "usercode"
    try:
        module = types.ModuleType(path)
        exec(compile(job.source, path, "exec"), module.__dict__)  # noqa: S102 -- behind the filter
        name = job.function.decode() or USUAL
        function = getattr(module, name, None)
        if not callable(function):
            return Answer(Kind.EXCEPTION, f"the file has no function '{name}'")
        data = json.loads(job.data)
        result = function(data)
    except MemoryError:
        return Answer(Kind.MEMORY, "")
    except BaseException as error:  # noqa: BLE001 -- whatever a function raises is its failure
        return Answer(Kind.EXCEPTION, _described(error, path))
    return _written(data if result is None else result, job.max_answer)


def _written(result: Any, most: int) -> Answer:
    if not isinstance(result, dict):
        found = type(result).__name__
        return Answer(Kind.FORMAT, f"the result must be a dict, not {found}")
    try:
        text = json.dumps(result, allow_nan=False, separators=(",", ":"), ensure_ascii=False)
    except MemoryError:
        return Answer(Kind.MEMORY, "")
    except (TypeError, ValueError, RecursionError) as error:
        return Answer(Kind.FORMAT, f"the result can't be written as JSON: {error}")
    if len(text) > most:
        return Answer(Kind.TOO_LARGE, str(len(text)))
    return Answer(Kind.RESULT, text)


def _described(error: BaseException, path: str) -> str:
    """Gives an exception as text, with the line of the file it came from."""
    at = error.lineno if isinstance(error, SyntaxError) else None
    frame = error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == path:
            at = frame.tb_lineno
        frame = frame.tb_next
    text = f"{type(error).__name__}: {error}"
    return f"{text} (line {at})" if at else text


def _bound(job: Job) -> None:  # pragma: no cover -- runs confined
    """Bounds time and memory from here on."""
    with contextlib.suppress(OSError, ValueError):
        with open("/proc/self/statm", "rb") as opened:  # noqa: PTH123 -- no library is worth it
            pages = int(opened.read().split()[0])
        most = pages * resource.getpagesize() + job.memory_bytes
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    confine.close_the_door()
    signal.setitimer(signal.ITIMER_REAL, job.time_limit_s + GRACE_S)


def _write(answers: int, text: bytes) -> None:  # pragma: no cover -- runs confined
    while text:
        text = text[os.write(answers, text) :]


if __name__ == "__main__":
    main()
