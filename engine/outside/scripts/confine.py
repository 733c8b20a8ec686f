"""What a worker gives up before it reads the first script: files, network, processes, memory.

Scripts have no way to any of these in their language; this holds if they find a hole in it. What
a platform does not offer is left out, the language's own walls stand everywhere.
"""

import contextlib
import ctypes
import resource
import signal
import sys

MEMORY = 1024 * 1024 * 1024
"""The address space of a worker: the largest `memory_limit` four times over."""
_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_NONE = {
    resource.RLIMIT_FSIZE: 0,
    resource.RLIMIT_CORE: 0,
    resource.RLIMIT_AS: MEMORY,
}


def confine() -> None:  # pragma: no cover -- runs confined
    """Gives up what is not needed even to read the worker's own files."""
    for limit in (signal.SIGINT, signal.SIGHUP):  # the engine decides when its workers end
        signal.signal(limit, signal.SIG_IGN)
    for kind, most in _NONE.items():
        _limit(kind, most)
    with contextlib.suppress(AttributeError):
        _limit(resource.RLIMIT_NPROC, 0)
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        # In a network of its own with nothing in it; refused where users may not make one. First:
        # it may undo what the others say.
        libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def close_the_door() -> None:  # pragma: no cover -- runs confined
    """Gives up opening anything, files, sockets or pipes, for good."""
    _limit(resource.RLIMIT_NOFILE, 0)


def _limit(kind: int, most: int) -> None:  # pragma: no cover -- runs confined
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(kind, (most, most))
