"""Node-RED: flows in memory, with its own nodes for HTTP."""

import json
from pathlib import Path
from typing import Any

from benchmarks.peers.installing import node_packages
from benchmarks.peers.jobs import Job, authorization, message_path
from benchmarks.peers.peer import Peer, Place, Sizes
from benchmarks.peers.processes import Command

VERSION = "4.1.15"
TAB = "jobs"

WORK_OUT = """
const number = msg.payload.number;
msg.payload = {number, kind: number % 2 === 0 ? "even" : "odd", label: "number " + number};
return msg;
"""
COUNT_PURE = """
global.set("pure", (global.get("pure") || 0) + 1);
msg.payload = {};
return msg;
"""
ASK = """
const task = msg.payload;
global.get("flows")[task.number] = task;
const form = {To: task.to, From: task.from, Body: task.body};
form.StatusCallback = CALLBACK + task.number;
const headers = {"Content-Type": "application/x-www-form-urlencoded", Authorization: AUTHORIZATION};
return [{...msg, payload: {}}, {task, headers, payload: form}];
"""
KEEP = """
msg.task.sid = msg.payload.sid;
return null;
"""
TAKE = """
const flows = global.get("flows");
const task = flows[msg.req.query.flow];
const is_over = task && msg.payload.MessageStatus === "delivered";
msg.payload = {};
if (!is_over) return [msg, null];
delete flows[task.number];
task.status = "delivered";
return [msg, {task}];
"""
COUNT_SMS = """
global.set("sms", (global.get("sms") || 0) + 1);
global.get("numbers").push(msg.task.number);
return null;
"""
ENDED = """
msg.payload = {pure: global.get("pure") || 0, sms: global.get("sms") || 0};
return msg;
"""
NUMBERS = """
msg.payload = global.get("numbers");
return msg;
"""
BEGIN = 'global.set("flows", {}); global.set("numbers", []);'


class NodeRed(Peer):
    """Node-RED without its editor, else with its default settings: no message is on disk."""

    name = "node-red"
    title = f"Node-RED {VERSION}, in memory"
    sizes = Sizes(tasks=20_000, flows=4_000, killed=500)
    connections = 64
    installed_as = "node-red"

    def install(self, folder: Path) -> None:
        node_packages(folder, {"node-red": VERSION})

    def prepare(self, place: Place) -> None:
        (place.folder / "flows.json").write_text(json.dumps(_flows(place)))
        (place.folder / "settings.js").write_text(
            'module.exports = {uiHost: "127.0.0.1", flowFile: "flows.json", '
            "httpAdminRoot: false, telemetry: {enabled: false}, "
            'logging: {console: {level: "warn"}}};'
        )

    def command(self, place: Place) -> Command:
        program = place.installed / "node_modules" / ".bin" / "node-red"
        words = [str(program), "--port", str(place.port), "--userDir", str(place.folder)]
        return Command(words, place.folder)


def _flows(place: Place) -> list[dict[str, Any]]:
    """Gives both jobs, and what they are counted with, as Node-RED keeps flows."""
    callback = json.dumps(f"{place.url}/callback?flow=")
    ask = ASK.replace("CALLBACK", callback).replace("AUTHORIZATION", json.dumps(authorization()))
    rule = {"t": "regex", "v": "^(even|odd)$", "vt": "str", "case": False}
    return [
        {"id": TAB, "type": "tab", "label": "jobs"},
        _in(Job.PURE, "post", "work_out"),
        _function("work_out", WORK_OUT, ["is_good"]),
        _node(
            "is_good", "switch", [["count_pure"], []],
            property="payload.kind", propertyType="msg", rules=[rule, {"t": "else"}],
            checkall="false", outputs=2,
        ),
        _function("count_pure", COUNT_PURE, ["answer"]),
        _in(Job.SMS, "post", "ask"),
        _function("ask", ask, ["answer"], ["call"], begin=BEGIN),
        _node(
            "call", "http request", [["keep"]],
            method="POST", ret="obj", url=place.twilio + message_path(), persist=True,
        ),
        _function("keep", KEEP, []),
        _in("callback", "post", "take"),
        _function("take", TAKE, ["answer"], ["count_sms"]),
        _function("count_sms", COUNT_SMS, []),
        _in("ended", "get", "count"),
        _function("count", ENDED, ["answer"]),
        _in("numbers", "get", "list"),
        _function("list", NUMBERS, ["answer"]),
        _node("answer", "http response", [], statusCode="200"),
    ]  # fmt: skip


def _in(path: str, method: str, to: str) -> dict[str, Any]:
    return _node(f"in_{path}", "http in", [[to]], url=f"/{path}", method=method)


def _function(name: str, code: str, *wires: list[str], begin: str = "") -> dict[str, Any]:
    return _node(name, "function", list(wires), func=code, outputs=len(wires), initialize=begin)


def _node(name: str, kind: str, wires: list[list[str]], **settings: Any) -> dict[str, Any]:
    return {"id": name, "type": kind, "z": TAB, "x": 100, "y": 100, "wires": wires, **settings}
