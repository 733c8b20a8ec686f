"""An engine with small processes, served on a loopback port."""

import asyncio
from pathlib import Path

import httpx

from engine.settings import Settings
from engine.web.app import create_app
from engine.web.server import serve
from engine.workspace import Workspace

GREET = """
process: greet
title: Greet <everybody>
params:
  name: {type: string, required: true}
  times: {type: number}
  token: {type: string, secret: true}
  greeting: {type: string, output: true}
nodes:
  start: {type: start, next: is_it_nobody}
  is_it_nobody:
    type: condition
    cases: [{when: "name == 'nobody'", next: failed}]
    else: greet
  greet: {type: set_parameter, set: {greeting: "Hello {{ name }}"}, next: done, error: failed}
  done: {type: end, title: Done, result: success}
  failed: {type: end, result: error}
"""

WAIT = """
process: wait
title: Wait
nodes:
  start: {type: start, next: which}
  which:
    type: condition
    cases:
      - {when: "kind == 'by_id'", next: by_id}
      - {when: "kind == 'skip'", next: done}
    else: by_ref
  by_ref:
    type: waiting_for_callback
    match: {ref: order.ref}
    timeout: {after: 1h, next: failed}
    next: done
  by_id:
    type: waiting_for_callback
    match: {task_id: task_id}
    sync: true
    timeout: {after: 1h, next: failed}
    next: done
  done: {type: end, result: success}
  failed: {type: end, result: error}
"""

SMS = """
process: sms
title: Message status
nodes:
  start: {type: start, next: callback}
  callback: {type: waiting_for_callback, timeout: {after: 12h, next: failed}, next: is_final}
  is_final:
    type: condition
    cases: [{when: "MessageStatus in ['delivered', 'undelivered']", next: done}]
    else: callback
  done: {type: end, result: success}
  failed: {type: end, result: error}
"""

BROKEN = """
process: broken
title: Broken
nodes:
  start: {type: start, next: parse}
  parse: {type: set_parameter, set: {n: "{{ text | number }}"}, next: done, error: failed}
  done: {type: end}
  failed: {type: end, result: error}
"""

BRIEF = """
process: brief
title: Keeps nothing
nodes:
  start: {type: start, next: which}
  which:
    type: condition
    cases: [{when: "wait", next: stand}]
    else: done
  stand:
    type: waiting_for_callback
    match: {ref: ref}
    timeout: {after: 1h, next: done}
    next: done
  done: {type: end, keep: false}
"""


class Site:
    """A served workspace, with a client of it."""

    def __init__(self, workspace: Workspace, url: str, serving: asyncio.Task[None]) -> None:
        self.workspace = workspace
        self.url = url
        self.serving = serving
        self.http = httpx.AsyncClient(base_url=url, timeout=30, trust_env=False)

    async def submit(self, process, data=None, ref="", **options):
        body = {"ref": ref, "data": data or {}}
        return await self.http.post(f"/v1/processes/{process}/tasks", json=body, **options)

    async def task(self, process, ref):
        return (await self.http.get(f"/v1/processes/{process}/tasks/{ref}")).json()

    def callback_path(self, process, node, plugin=""):
        return self.workspace.callback_url(process, node, plugin).removeprefix(self.url)

    async def stop_serving(self):
        self.serving.cancel()
        await asyncio.wait([self.serving])

    async def raw(self, sent: bytes) -> bytes:
        """Sends bytes over a connection of its own; gives all that came until it was closed."""
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", int(self.url.rpartition(":")[2])
        )
        writer.write(sent)
        received = await reader.read()
        writer.close()
        return received


async def open_workspace(folder: Path, **settings) -> Workspace:
    processes = folder / "processes"
    processes.mkdir(exist_ok=True)
    for text in (GREET, WAIT, SMS, BROKEN, BRIEF):
        (processes / f"{text.split()[1]}.yaml").write_text(text)
    chosen = Settings(database=f"sqlite:///{folder}/engine.db", port=0, **settings)
    workspace = await Workspace.open(chosen)
    await workspace.deploy_folder([processes])
    await workspace.start()
    return workspace


async def open_site(folder: Path, **settings) -> Site:
    workspace = await open_workspace(folder, **settings)
    listening: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(
        serve(workspace, workspace.settings, ready=listening.set_result), name="serving"
    )
    url = await listening
    if not workspace.settings.public_url:
        workspace.set_public_url(url)
    return Site(workspace, url, serving)


async def close_site(site: Site) -> None:
    await site.http.aclose()
    await site.stop_serving()
    await site.workspace.stop()


async def ask(
    workspace,
    method,
    path,
    *,
    client="127.0.0.1",
    host="localhost:8080",
    headers=(),
    body=b"",
    app=None,
):
    """Asks the application itself, as a client at any address; gives status, headers and body."""
    given, _, query = path.partition("?")
    scope = {
        "type": "http",
        "method": method,
        "path": given,
        "raw_path": given.encode(),
        "query_string": query.encode(),
        "headers": [(b"host", host.encode()), *headers],
        "client": (client, 50000),
        "server": ("127.0.0.1", 8080),
        "scheme": "http",
        "http_version": "1.1",
        "root_path": "",
    }
    sent = []
    messages = iter([{"type": "http.request", "body": body}])

    async def receive():
        return next(messages, {"type": "http.disconnect"})

    async def send(message):
        sent.append(message)

    await (app or create_app(workspace))(scope, receive, send)
    content = b"".join(message.get("body", b"") for message in sent[1:])
    return sent[0]["status"], dict(sent[0]["headers"]), content
