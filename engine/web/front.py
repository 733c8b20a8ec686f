"""`/`: a page that says what runs here."""

from html import escape

from engine import __version__
from engine.core.graph import Graph
from engine.workspace import Workspace

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Conveyor</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 3rem auto;
  padding: 0 1rem; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ text-align: left; padding: .4rem .8rem .4rem 0; border-bottom: 1px solid #8884; }}
td.n, th.n {{ text-align: right; }}
code {{ font-size: .9em; }} .dim {{ opacity: .65; }}
</style></head><body>
<h1>Conveyor</h1>
<p class="dim">Engine {version}. {state}</p>
<table><thead><tr><th>Process</th><th>Title</th><th class="n">Version</th>
<th class="n">In work</th></tr></thead><tbody>
{rows}
</tbody></table>
<p><a href="/docs">API</a> · <a href="/openapi.json">OpenAPI</a> ·
<a href="/metrics">metrics</a> · <a href="/health">health</a> · <a href="/ready">ready</a></p>
</body></html>
"""
_EMPTY = '<tr><td colspan="4">No process yet: put YAML files into the processes folder.</td></tr>'


def front_page(workspace: Workspace) -> str:
    """Writes the page."""
    rows = "\n".join(_row(graph, workspace) for graph in workspace.graphs()) or _EMPTY
    state = "Tasks are taken." if workspace.is_ready else "No tasks are taken now."
    return _PAGE.format(version=escape(__version__), state=state, rows=rows)


def _row(graph: Graph, workspace: Workspace) -> str:
    counts = workspace.counts(graph.process)
    ends = {node.id for node in graph.nodes.values() if node.type.is_end}
    in_work = sum(came - went for node, (came, went) in counts.items() if node not in ends)
    return (
        f"<tr><td><code>{escape(graph.process)}</code></td><td>{escape(graph.title)}</td>"
        f'<td class="n">{graph.version}</td><td class="n">{in_work}</td></tr>'
    )
