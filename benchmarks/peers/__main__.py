"""`python -m benchmarks.peers PEER`: measures one peer, or `all`; `table` prints what there is."""

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.peers import outcome
from benchmarks.peers.catalog import PEERS
from benchmarks.peers.installing import CouldNotInstall
from benchmarks.peers.measuring import NothingEnded, Plan, RefusedLoad, measure
from benchmarks.peers.peer import Peer, Sizes
from benchmarks.peers.processes import PeerDidNotStart

CACHE = Path(tempfile.gettempdir()) / "conveyor-peers"
RESULTS = Path("benchmarks/results/latest.json")


def main(
    what: Annotated[str, typer.Argument(help=f"{', '.join(PEERS)}, all, or table.")],
    *,
    repeat: Annotated[int, typer.Option(min=1, help="How often; the median counts.")] = 5,
    tasks: Annotated[int | None, typer.Option(min=1, help="How many pure tasks.")] = None,
    flows: Annotated[int | None, typer.Option(min=1, help="How many SMS flows.")] = None,
    killed: Annotated[int | None, typer.Option(min=1, help="How many before the kill.")] = None,
    speed: Annotated[float | None, typer.Option(help="Divides the provider's delays.")] = None,
    cache: Annotated[Path, typer.Option(help="Where peers are installed.")] = CACHE,
    results: Annotated[Path, typer.Option(help="The file of results.")] = RESULTS,
) -> None:
    """Measure the engine and its peers at the same two jobs."""
    if what not in {*PEERS, "all", "table"}:
        raise typer.BadParameter(f"there is no '{what}': say {', '.join(PEERS)}, all or table")
    if what == "all":
        results.unlink(missing_ok=True)
    for peer in PEERS.values() if what == "all" else [PEERS[what]] if what in PEERS else []:
        given = peer.sizes
        sizes = Sizes(tasks or given.tasks, flows or given.flows, killed or given.killed)
        plan = Plan(sizes, repeat, speed or peer.provider_speed)
        outcome.add(results, peer, plan, _measured(peer, plan, cache))
    sys.stdout.write(outcome.table(results))


def _measured(peer: Peer, plan: Plan, cache: Path) -> dict[str, float] | str:
    """Gives the numbers of a peer, or why there are none."""
    folder = cache.resolve() / peer.installed_as
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        _say(f"{peer.title}: installing")
        peer.install(folder)
        return asyncio.run(measure(peer, folder, plan, _say))
    except (CouldNotInstall, PeerDidNotStart, RefusedLoad, NothingEnded) as error:
        _say(f"{peer.title}: {error}")
        return str(error)


def _say(what: str) -> None:
    sys.stderr.write(f"{what}\n")


if __name__ == "__main__":
    typer.run(main)
