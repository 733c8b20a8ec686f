"""What the parser can't read by itself: an option whose value may be left out."""

import re
from collections.abc import Sequence

FOREVER = "forever"
WAIT = "--wait"
CSV = "--csv"
OUTPUT = "-"
_DURATION = re.compile(r"\d[\d.]*[a-z]*|" + FOREVER)


def spell_out(arguments: Sequence[str]) -> list[str]:
    """Writes out what was left out.

    `--wait` without a duration becomes `--wait=forever`, `tasks --csv` without a file `--csv=-`.
    """
    spelled: list[str] = []
    command = next((each for each in arguments if not each.startswith("-")), "")
    for at, argument in enumerate(arguments):
        if argument == "--":
            return [*spelled, *arguments[at:]]
        following = arguments[at + 1] if at + 1 < len(arguments) else ""
        is_bare = argument == WAIT and not _DURATION.fullmatch(following)
        if command == "tasks" and argument == CSV:
            is_file = following == OUTPUT or following.lower().endswith(".csv")
            spelled.append(argument if is_file else f"{CSV}={OUTPUT}")
            continue
        spelled.append(f"{WAIT}={FOREVER}" if is_bare else argument)
    return spelled
