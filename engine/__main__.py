"""`python -m engine` is the same as `engine`."""

import sys

INTERRUPTED = 130


def main() -> None:
    """Runs the command line; a Ctrl-C while it is still being imported ends it quietly too."""
    try:
        from engine.cli.main import main as run  # noqa: PLC0415 -- takes a moment

        run()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
