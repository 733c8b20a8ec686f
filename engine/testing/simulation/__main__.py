"""`python -m engine.testing.simulation`: plays seeds and prints those that break a promise."""

import argparse
import os
import sys
import time

from engine.testing.simulation.run import play

SHOWN = 5


def main() -> int:
    """Plays the seeds that are asked for; 1 if one of them failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000, help="how many")
    parser.add_argument("--from", type=int, default=0, dest="first", help="the first one")
    parser.add_argument("--seed", type=int, help="only this one")
    parser.add_argument("--trace", action="store_true", help="print what happened")
    given = parser.parse_args()
    if os.environ.get("PYTHONHASHSEED") != "0":
        # The order of sets: with another one, a seed is another story.
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, "-m", "engine.testing.simulation", *sys.argv[1:]])  # noqa: S606 -- this program again
    first, count = (given.seed, 1) if given.seed is not None else (given.first, given.seeds)
    started, failed = time.perf_counter(), 0
    for seed in range(first, first + count):
        outcome = play(seed)
        if given.trace:
            _say(*outcome.trace)
        if outcome.broken:
            failed += 1
            _say(f"seed {seed}:", *(f"  {each}" for each in outcome.broken[:SHOWN]))
    _say(f"{count} seeds, {failed} failed, {time.perf_counter() - started:.1f} s")
    return 1 if failed else 0


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
