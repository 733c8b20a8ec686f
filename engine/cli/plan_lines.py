"""A plan in a few lines for a person."""

from collections.abc import Iterator
from typing import Any

from rich.markup import escape

from engine.cli.output import counted

Json = dict[str, Any]


def plan_lines(plan: Json) -> Iterator[str]:
    """Describes what a deploy changes, with markup; processes that stay as they are last."""
    unchanged = []
    for process in plan["processes"]:
        if process["change"] == "unchanged":
            unchanged.append(process["process"])
        else:
            yield from _process(process)
    if unchanged:
        yield f"[dim]unchanged: {', '.join(unchanged)}[/]"


def _process(process: Json) -> Iterator[str]:
    if process["change"] == "new":
        yield f"[bold]{process['process']}[/] [green]new[/]: {escape(process['title'])}"
        return
    yield f"[bold]{process['process']}[/] version {process['version']} → {process['new_version']}"
    nodes = process["nodes"]
    if process["keys"]:
        yield f"  [yellow]~[/] {', '.join(process['keys'])}"
    for name in nodes["added"]:
        yield f"  [green]+[/] {name}"
    for name, keys in nodes["changed"].items():
        yield f"  [yellow]~[/] {name} [dim]({', '.join(keys)})[/]"
    for gone in nodes["gone"]:
        yield f"  [red]-[/] {gone['node']}{_fate(process, gone)}"
    yield from _tasks(process)


def _fate(process: Json, gone: Json) -> str:
    tasks = counted(gone["standing"], "task")
    match gone["fate"]:
        case "move":
            how = "to enter" if gone["enters"] else "to stand in"
            return f"  {tasks} {how} '{gone['to']}' instead"
        case "stay":
            return (
                f"  [yellow]{tasks} to stay in their version until they have left it[/]; or "
                f"--move {process['process']}/{gone['node']}=NODE"
            )
    return ""


def _tasks(process: Json) -> Iterator[str]:
    tasks = process["tasks"]
    if tasks["follow"]:
        count = counted(tasks["follow"], "task")
        yield f"  {count} under way in other nodes, to go on in the new version"
    elif tasks["stay"] and not process["nodes"]["gone"]:
        yield f"  {counted(tasks['stay'], 'task')} under way, to stay in their version"
