"""How the demo is shown: a live table, plain lines, or a progress bar."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from engine.cli.demo_watch import Outcome, Track, Watch
from engine.cli.output import STATUS_COLOURS

Refresh = Callable[[], None]
ARROW = " › "  # noqa: RUF001 -- an arrow as in a menu path
SHORT_SID = 10
TITLES = ("recipient", "what happens", "status", "sid, code")
WIDTHS = (14, 26, 14, 20)


def live_table(
    console: Console, watch: Watch, titles: Mapping[str, str]
) -> AbstractContextManager[Refresh]:
    """Shows every message with the node it is in and the way it came."""
    return _live(console, lambda: _list(watch, lambda track: _going(track, titles)))


def plain_lines(
    console: Console, watch: Watch, titles: Mapping[str, str]
) -> AbstractContextManager[Refresh]:
    """Writes a line whenever a message has come to another node."""
    shown: dict[str, str] = {}

    def refresh() -> None:
        for order, track in watch.tracks.items():
            if track.node and shown.get(order) != track.node:
                shown[order] = track.node
                title = titles.get(track.node, track.node)
                console.print(f"{track.case.to}  {title}  {track.status}", markup=False)

    return contextlib.nullcontext(refresh)


@contextmanager
def progress_bar(console: Console, watch: Watch) -> Iterator[Refresh]:
    """Shows how many messages have ended, and how many a second."""
    columns = (
        TextColumn("messages"),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]:,.0f}/s"),
    )
    with Progress(*columns, console=console, expand=True) as progress:
        bar = progress.add_task("", total=len(watch.tracks), rate=0.0)

        def refresh() -> None:
            speed = progress.tasks[0].speed or progress.tasks[0].finished_speed or 0.0
            progress.update(bar, completed=watch.over, rate=speed)

        yield refresh
        refresh()


def results(watch: Watch) -> Text:
    """Writes what became of each message, and its way."""
    return _list(watch, _ended)


def outcome_table(watch: Watch) -> Table:
    """Makes the table of how many messages had which outcome."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("outcome")
    table.add_column("messages", justify="right")
    for outcome, count in watch.outcomes().items():
        table.add_row(outcome.replace("_", " "), f"{count:,}")
    return table


@contextmanager
def _live(console: Console, draw: Callable[[], Text]) -> Iterator[Refresh]:
    with Live(draw(), console=console, auto_refresh=False, transient=True) as live:
        yield lambda: live.update(draw(), refresh=True)


def _list(watch: Watch, way: Callable[[Track], Text]) -> Text:
    """Writes two lines a message: what there is to say, and below its way."""
    lines = [_line(*(Text(title, style="bold") for title in TITLES))]
    for track in watch.tracks.values():
        lines.append(
            _line(Text(track.case.to), Text(track.case.story), _status(track), _mark(track))
        )
        lines.append(Text("  ").append_text(way(track)))
    return Text("\n").join(lines)


def _line(*cells: Text) -> Text:
    line = Text()
    for cell, width in zip(cells, WIDTHS, strict=True):
        cell.pad_right(max(1, width - len(cell)))
        line.append_text(cell)
    line.rstrip()
    return line


def _going(track: Track, titles: Mapping[str, str]) -> Text:
    if not track.node:
        return Text("not sent yet", style="dim")
    if track.is_over:
        return _ended(track)
    way = Text(ARROW.join([*track.way[1:], ""]), style="dim")
    return way.append(titles.get(track.node, track.node), style="bold cyan")


def _ended(track: Track) -> Text:
    return Text(ARROW.join(track.way[1:]), style="dim")


def _status(track: Track) -> Text:
    if track.outcome is not None and track.sending is not None:
        is_refused = track.outcome is Outcome.REFUSED
        said = Outcome.REFUSED if is_refused else str(track.sending.data["status"])
        return Text(said, style="green" if said == Outcome.DELIVERED else "yellow")
    if track.is_over:
        return Text("not accounted for", style="bold red")
    return Text(track.status, style=STATUS_COLOURS.get(track.status, ""))


def _mark(track: Track) -> Text:
    data = track.sending.data if track.sending is not None else {}
    sid = str(data.get("sid") or "")
    error = str(data.get("code") or data.get("error_code") or "")
    short = f"{sid[:SHORT_SID]}…" if sid else ""
    reported = "" if track.is_over else track.reported
    return Text(" ".join(filter(None, (short, error, reported))))
