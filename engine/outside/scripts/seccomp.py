"""Leaves a process nothing of the kernel but memory, the clock and the pipes it already has.

A filter of system calls (Linux, seccomp): what is not listed fails with EPERM. It can't be taken
off again, and holds whatever a script brings the process to do.
"""

import ctypes
import errno
import platform
import struct
import sys

# Names for readers; numbers by architecture, from the kernel's tables.
_ALLOWED = {
    "read": (0, 63), "write": (1, 64), "close": (3, 57), "fstat": (5, 80), "lseek": (8, 62),
    "pread64": (17, 67), "mmap": (9, 222), "mprotect": (10, 226), "munmap": (11, 215),
    "brk": (12, 214), "mremap": (25, 216), "madvise": (28, 233), "futex": (202, 98),
    "rt_sigreturn": (15, 139), "sigaltstack": (131, 132), "sched_yield": (24, 124),
    "nanosleep": (35, 101), "clock_nanosleep": (230, 115), "clock_gettime": (228, 113),
    "clock_getres": (229, 114), "gettimeofday": (96, 169), "getrandom": (318, 278),
    "getrusage": (98, 165), "getpid": (39, 172), "gettid": (186, 178), "exit": (60, 93),
    "exit_group": (231, 94),
}  # fmt: skip
_SETITIMER = (38, 103)
_ARCHITECTURES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
_LOAD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_NUMBER, _ARCHITECTURE = 0, 4
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | errno.EPERM
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _MODE_FILTER = 38, 22, 2


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def leave_nothing(*, but_timers: bool) -> bool:  # pragma: no cover -- runs confined
    """Puts the filter on, with or without the right to set timers; says whether it holds."""
    known = _ARCHITECTURES.get(platform.machine())
    if sys.platform != "linux" or known is None:
        return False
    architecture, column = known
    numbers = [numbers[column] for numbers in _ALLOWED.values()]
    if but_timers:
        numbers.append(_SETITIMER[column])
    steps = _program(architecture, numbers)
    text = ctypes.create_string_buffer(b"".join(steps), len(steps) * 8)
    program = _Program(len(steps), ctypes.addressof(text))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    failed: int = libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program), 0, 0)
    return failed == 0


def _program(architecture: int, numbers: list[int]) -> list[bytes]:
    steps = [
        _step(_LOAD, _ARCHITECTURE),
        _step(_JUMP_IF_EQUAL, architecture, if_so=1),
        _step(_RETURN, _REFUSE),
        _step(_LOAD, _NUMBER),
    ]
    for number in numbers:
        steps += [_step(_JUMP_IF_EQUAL, number, if_not=1), _step(_RETURN, _ALLOW)]
    return [*steps, _step(_RETURN, _REFUSE)]


def _step(code: int, value: int, *, if_so: int = 0, if_not: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_so, if_not, value)
