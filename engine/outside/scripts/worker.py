"""The worker: reads jobs, runs each script in an interpreter of its own, answers.

A fresh interpreter a job is what keeps tasks from each other: nothing that a script changes, not
even `Object.prototype`, is there for the next. It costs 0.1 ms.
"""

import contextlib
import json
import os
import re
import resource
import signal
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import quickjs

from engine.core.javascript import wrapped
from engine.outside.scripts import confine, libraries, seccomp
from engine.outside.scripts.frame import READY, Job, Kind, read_job

STACK = 256 * 1024
GRACE_S = 0.02
"""How long after its limit a script may go on before the kernel ends the worker.

The interpreter looks at its clock between two steps of the script, not within one: a single call
such as `Array.join` on a billion items is ended only so.
"""
NULL_MEANS_MEMORY = 0.5
"""A `null` thrown when this part of the limit was taken is the interpreter's, out of memory."""
LONGEST_TEXT = 2000
OUT_OF_MEMORY = "InternalError: out of memory"
INTERRUPTED = "InternalError: interrupted"
_SCRIPT, _MODULE, _FINISH, _TEXT = 0, 1, 2, 3
"""The steps of the harness."""
_PEAK = re.compile(rb"VmHWM:\s+(\d+)")
_AT = re.compile(r"<input>:(\d+)")


class Answer(NamedTuple):
    """What became of a job. The text of a result is JSON, that of a failure is for people."""

    kind: Kind
    text: str


THROWN_NULL = Answer(Kind.EXCEPTION, "null")


class Harness:
    """What is run around a script, read once."""

    def __init__(self) -> None:
        folder = Path(__file__).parent
        self._harness = (folder / "harness.js").read_text(encoding="utf-8")
        self._surroundings = (folder / "surroundings.js").read_text(encoding="utf-8")
        # Held open: nothing can be opened later.
        self._status: int | None = None
        with contextlib.suppress(OSError):
            self._status = os.open("/proc/self/status", os.O_RDONLY)
        self._least = self._peak()

    def grown(self) -> int:
        """Gives by how many bytes this process was ever larger than in the beginning."""
        return self._peak() - self._least

    def _peak(self) -> int:
        if self._status is None:
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        # Not `getrusage` here: on Linux it begins with what the engine was when it forked.
        found = _PEAK.search(os.pread(self._status, 4096, 0))
        return int(found[1]) * 1024 if found else 0

    def interpreter(self) -> "Interpreter":
        """Makes a fresh interpreter."""
        context = quickjs.Context()
        context.set_max_stack_size(STACK)
        return Interpreter(context, context.eval(self._harness))

    def surround(self, context: Any, source: str) -> None:
        """Gives a script what it names beside its data; most name nothing."""
        if "require" in source or "console" in source:
            library = context.eval(self._surroundings)(libraries.listed())
            for name, text in libraries.named_in(source):
                library(name, text)


class Interpreter(NamedTuple):
    """An interpreter that has run nothing yet, with the steps of the harness."""

    context: Any
    step: Any


def main() -> None:  # pragma: no cover -- runs confined
    """Runs jobs until the engine is gone."""
    confine.confine()
    jobs, answers = sys.stdin.buffer, sys.stdout.buffer
    harness = Harness()
    libraries.read_all()
    confine.close_the_door()
    seccomp.leave_nothing(but_timers=True)  # where there is such a thing
    fresh = harness.interpreter()  # made before there is work, which then need not wait for it
    _write(answers, READY)
    while (job := read_job(jobs)) is not None:
        signal.setitimer(signal.ITIMER_REAL, job.time_limit_s + GRACE_S)
        answer = run(job, harness, fresh)
        signal.setitimer(signal.ITIMER_REAL, 0)
        _write(answers, line(answer))
        fresh = harness.interpreter()  # the one before goes now: a large heap takes a while


def line(answer: Answer) -> bytes:
    """Writes an answer."""
    text = answer.text if answer.kind is Kind.RESULT else json.dumps(answer.text[:LONGEST_TEXT])
    return f"{answer.kind}{text}\n".encode(errors="replace")


def run(job: Job, harness: Harness, fresh: Interpreter) -> Answer:
    """Runs one job in an interpreter that it uses up."""
    fresh.context.set_memory_limit(job.memory_bytes)
    fresh.context.set_time_limit(job.time_limit_s)
    try:
        answer = _perform(job, harness, fresh)
    except quickjs.JSException as error:
        answer = _uncaught(str(error))
    except MemoryError:
        answer = Answer(Kind.MEMORY, "")
    except (SystemError, TypeError, ValueError):  # what the harness gave is not what it gives
        answer = Answer(Kind.EXCEPTION, "the script spoilt what carries its result")
    if answer == THROWN_NULL and harness.grown() > job.memory_bytes * NULL_MEANS_MEMORY:
        return Answer(Kind.MEMORY, "")
    return answer


def _write(answers: BinaryIO, text: bytes) -> None:
    answers.write(text)
    answers.flush()


def _perform(job: Job, harness: Harness, fresh: Interpreter) -> Answer:
    context, step = fresh
    source = job.source.decode()
    harness.surround(context, source)
    script = context.eval(_wrapped(source, is_module=job.is_module))
    if job.is_module:
        step(_MODULE, script, job.function.decode(), job.data.decode())
    else:
        step(_SCRIPT, script, job.data.decode(), job.meta.decode())
    while context.execute_pending_job():
        pass
    return _answer(step(_FINISH, job.max_answer), step(_TEXT))


@lru_cache(maxsize=64)
def _wrapped(source: str, *, is_module: bool) -> str:
    return wrapped(source, is_module=is_module)


def _answer(letter: str, text: str) -> Answer:
    """Reads what the harness gives: a letter, and the result or why there is none."""
    if letter == Kind.RESULT:
        return Answer(Kind.RESULT, text)
    message, stack = map(str, json.loads(text))
    if letter == Kind.TOO_LARGE:
        return Answer(Kind.TOO_LARGE, message)
    if message == OUT_OF_MEMORY:
        return Answer(Kind.MEMORY, "")
    if letter == Kind.FORMAT:
        is_ours = message.startswith("the result ")
        what = message if is_ours else f"the result can't be written as JSON: {message}"
        return Answer(Kind.FORMAT, what)
    found = _AT.search(stack)
    return Answer(Kind.EXCEPTION, f"{message} (line {found[1]})" if found else message)


def _uncaught(text: str) -> Answer:
    """Reads an exception that no script can catch, or that left the interpreter half undone."""
    message, _, rest = text.partition("\n")
    if message == INTERRUPTED:
        return Answer(Kind.TIMEOUT, "")
    if message == OUT_OF_MEMORY or message.startswith(("null", "[uninitialized]")):
        return Answer(Kind.MEMORY, "")
    found = _AT.search(rest)
    return Answer(Kind.EXCEPTION, f"{message} (line {found[1]})" if found else message)


if __name__ == "__main__":
    main()
