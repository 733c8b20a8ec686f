"""What the parser can't read by itself: an option whose value may be left out."""

import re
from collections.abc import Sequence

FOREVER = "forever"
WAIT = "--wait"
_DURATION = re.compile(r"\d[\d.]*[a-z]*|" + FOREVER)


def spell_out(arguments: Sequence[str]) -> list[str]:
    """Writes `--wait` without a duration as `--wait=forever`; all else stays as it is."""
    spelled: list[str] = []
    for at, argument in enumerate(arguments):
        if argument == "--":
            return [*spelled, *arguments[at:]]
        following = arguments[at + 1] if at + 1 < len(arguments) else ""
        is_bare = argument == WAIT and not _DURATION.fullmatch(following)
        spelled.append(f"{WAIT}={FOREVER}" if is_bare else argument)
    return spelled
