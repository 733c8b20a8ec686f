"""n8n: workflows in its SQLite database, with its Webhook, HTTP Request and Wait nodes."""

import json
import os
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks.peers.installing import CouldNotInstall, node_packages
from benchmarks.peers.jobs import Job, authorization, message_path, numbers_in
from benchmarks.peers.peer import Peer, Place, Sizes
from benchmarks.peers.processes import Command
from engine.cli.load import Request

VERSION = "2.8.4"
OVERRIDES = {"xlsx": "0.18.5"}
"""The one dependency that its own package takes from outside the registry."""
WORKFLOWS = {
    Job.PURE: "pureworkflow0001",
    Job.SMS: "smsworkflow00001",
    "ready": "thisisanswered01",
}
ENDED = "SELECT count(*) FROM execution_entity WHERE workflowId = ? AND status = 'success'"
NUMBERS = """
    SELECT data FROM execution_data JOIN execution_entity ON id = executionId
    WHERE workflowId = ? AND status = 'success'
"""


class N8n(Peer):
    """n8n in regular mode with its default database."""

    name = "n8n"
    title = f"n8n {VERSION}, SQLite, slower provider"
    sizes = Sizes(tasks=300, flows=200, killed=50)
    connections = 4
    provider_speed = 0.1
    """A callback that comes before an execution waits, or while it is resumed, is refused, and that
    execution waits for ever. From a provider ten times slower fewer come too early."""
    installed_as = "n8n"
    ready_path = "/webhook/ready"
    """Its own readiness comes before its webhooks are there."""

    def install(self, folder: Path) -> None:
        node_packages(folder, {"n8n": VERSION}, OVERRIDES)

    def prepare(self, place: Place) -> None:
        file = place.folder / "workflows.json"
        file.write_text(json.dumps([_pure(), _sms(place), _ready()]))
        self._run(place, "import:workflow", f"--input={file}")
        for workflow in WORKFLOWS.values():
            self._run(place, "publish:workflow", f"--id={workflow}")

    def command(self, place: Place) -> Command:
        variables = {
            "N8N_USER_FOLDER": str(place.folder),
            "N8N_PORT": str(place.port),
            "N8N_LISTEN_ADDRESS": "127.0.0.1",
            "WEBHOOK_URL": place.url,
            "N8N_DIAGNOSTICS_ENABLED": "false",
            "N8N_VERSION_NOTIFICATIONS_ENABLED": "false",
            "N8N_TEMPLATES_ENABLED": "false",
            "N8N_LOG_LEVEL": "error",
        }
        return Command([str(_program(place)), "start"], place.folder, variables)

    def request(self, job: Job, number: int, *, is_late: bool = False) -> Request:
        found = super().request(job, number, is_late=is_late)
        return Request(found.method, f"/webhook{found.path}", found.body, found.headers)

    async def ended(self, place: Place, job: Job) -> int:
        return int(_read(place, ENDED, job)[0][0])

    async def numbers_ended(self, place: Place) -> set[int]:
        return {number for row in _read(place, NUMBERS, Job.SMS) for number in numbers_in(row[0])}

    def _run(self, place: Place, *arguments: str) -> None:
        start = self.command(place)
        command = Command([start.words[0], *arguments], start.folder, start.variables)
        done = subprocess.run(
            command.words, cwd=command.folder, env={**os.environ, **command.variables},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise CouldNotInstall(f"n8n {' '.join(arguments)}: {done.stdout}{done.stderr}")


def _program(place: Place) -> Path:
    return place.installed / "node_modules" / ".bin" / "n8n"


def _read(place: Place, query: str, job: Job) -> list[tuple[Any, ...]]:
    file = place.folder / ".n8n" / "database.sqlite"
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=30)) as database:
        return database.execute(query, (WORKFLOWS[job],)).fetchall()


def _pure() -> dict[str, Any]:
    kind = "={{ $json.body.number % 2 === 0 ? 'even' : 'odd' }}"
    label = "=number {{ $json.body.number }}"
    values = [("kind", kind), ("label", label)]
    assignments = [
        {"id": name, "name": name, "value": value, "type": "string"} for name, value in values
    ]
    nodes = [
        _webhook(Job.PURE),
        _node("work out", "set", 3.4, assignments={"assignments": assignments}),
        _if("is it good", "={{ ['even', 'odd'].includes($json.kind) ? 'yes' : 'no' }}", "yes"),
        _node("done", "noOp", 1),
    ]
    ways = [("start", 0, "work out"), ("work out", 0, "is it good"), ("is it good", 0, "done")]
    return _workflow(Job.PURE, nodes, ways)


def _sms(place: Place) -> dict[str, Any]:
    fields = {
        "To": "={{ $json.body.to }}",
        "From": "={{ $json.body.from }}",
        "Body": "={{ $json.body.body }}",
        "StatusCallback": "={{ $execution.resumeUrl }}",
    }
    nodes = [
        _webhook(Job.SMS),
        _node(
            "call", "httpRequest", 4.2,
            method="POST", url=place.twilio + message_path(),
            sendHeaders=True, headerParameters=_pairs({"Authorization": authorization()}),
            sendBody=True, contentType="form-urlencoded", bodyParameters=_pairs(fields),
        ),
        _node("wait", "wait", 1.1, resume="webhook", httpMethod="POST"),
        _if("is it final", "={{ $json.body.MessageStatus }}", "delivered"),
        _node("done", "noOp", 1),
    ]  # fmt: skip
    ways = [
        ("start", 0, "call"),
        ("call", 0, "wait"),
        ("wait", 0, "is it final"),
        ("is it final", 0, "done"),
        ("is it final", 1, "wait"),
    ]
    return _workflow(Job.SMS, nodes, ways)


def _ready() -> dict[str, Any]:
    return _workflow("ready", [_webhook("ready", "GET")], [])


def _workflow(
    job: str, nodes: list[dict[str, Any]], ways: list[tuple[str, int, str]]
) -> dict[str, Any]:
    connections: dict[str, Any] = {}
    for source, output, target in ways:
        outputs = connections.setdefault(source, {"main": []})["main"]
        outputs += [[] for _ in range(output + 1 - len(outputs))]
        outputs[output].append({"node": target, "type": "main", "index": 0})
    return {
        "id": WORKFLOWS[job],
        "name": str(job),
        "active": False,
        "settings": {"executionOrder": "v1"},
        "nodes": nodes,
        "connections": connections,
    }


def _webhook(job: str, method: str = "POST") -> dict[str, Any]:
    """Answers when the execution has begun, as n8n recommends for what takes longer."""
    found = _node("start", "webhook", 2, httpMethod=method, path=job, responseMode="onReceived")
    return {**found, "webhookId": str(job)}


def _if(name: str, left: str, right: str) -> dict[str, Any]:
    condition = {
        "id": "1",
        "leftValue": left,
        "rightValue": right,
        "operator": {"type": "string", "operation": "equals"},
    }
    options = {"caseSensitive": True, "leftValue": "", "typeValidation": "loose", "version": 2}
    conditions = {"options": options, "conditions": [condition], "combinator": "and"}
    return _node(name, "if", 2.2, conditions=conditions)


def _node(name: str, kind: str, version: float, **parameters: Any) -> dict[str, Any]:
    return {
        "id": name,
        "name": name,
        "type": f"n8n-nodes-base.{kind}",
        "typeVersion": version,
        "position": [0, 0],
        "parameters": {**parameters, "options": {}},
        "webhookId": f"{kind}-{name}",
    }


def _pairs(values: dict[str, str]) -> dict[str, Any]:
    return {"parameters": [{"name": name, "value": value} for name, value in values.items()]}
