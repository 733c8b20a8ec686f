"""Runs a module as a process beside a command, and ends it when the command is gone.

Started as `python -m engine.cli.beside MODULE ARGUMENT…` with a pipe for standard input. Nobody
writes to it; it ends when the command does, however that ended, and then so does this process, as
if it were told to by SIGTERM.
"""

import os
import runpy
import signal
import sys
import threading


def main() -> None:
    """Runs the module that the command line names."""
    threading.Thread(target=_end_with_the_command, name="beside", daemon=True).start()
    module, *arguments = sys.argv[1:]
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _end_with_the_command() -> None:
    try:
        # Not by `sys.stdin`, whose lock a thread that waits would hold when the process ends.
        while os.read(0, 4096):
            pass
    except OSError:
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
