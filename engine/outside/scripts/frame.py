"""How the engine and a worker speak: jobs one way, an answer for each in order the other way.

A job is a head of fixed size with the lengths of what follows. An answer is one line: a letter
for its kind, then JSON.
"""

import struct
from enum import StrEnum
from typing import BinaryIO, NamedTuple

_HEAD = struct.Struct("!dQQ?IIII")
READY = b"ready\n"


class Job(NamedTuple):
    """One run of a script, as the worker sees it."""

    time_limit_s: float
    memory_bytes: int
    max_answer: int
    source: bytes
    data: bytes
    meta: bytes
    function: bytes
    """Which function of a module is meant; of a body, nothing."""
    is_module: bool = False


class Kind(StrEnum):
    """What became of a job; the value is the first letter of its answer."""

    RESULT = "R"  # the data, as JSON
    EXCEPTION = "E"  # all others: a text
    FORMAT = "F"
    TOO_LARGE = "L"
    TIMEOUT = "T"
    MEMORY = "M"
    UNSUPPORTED = "U"  # it can't be run safely here


def pack(job: Job) -> bytes:
    """Writes a job."""
    parts = job[3:7]
    return _HEAD.pack(*job[:3], job.is_module, *map(len, parts)) + b"".join(parts)


def read_job(stream: BinaryIO) -> Job | None:
    """Reads the next job; None when the engine is gone."""
    head = stream.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    time_limit_s, memory_bytes, max_answer, is_module, *lengths = _HEAD.unpack(head)
    source, data, meta, function = (stream.read(length) for length in lengths)
    return Job(
        time_limit_s, memory_bytes, max_answer, source, data, meta, function, is_module
    )  # fmt: skip
