"""How a process calls another Corezoid-compatible engine: its envelope and its signature."""

import re
from hashlib import sha1
from typing import Any

from engine.node import Visit

_API_LOGIN = re.compile(r"/api/[12]/json/[^/]+")
_TAIL = re.compile(r"[?#]")


def ops_body(visit: Visit, extra: dict[str, Any]) -> dict[str, Any]:
    """Makes the envelope: the whole task with the parameters listed for this call."""
    origin = visit.origin
    operation = {
        "ref": visit.ref,
        "type": "data",
        "obj": "task",
        "obj_id": visit.task_id,
        "conv_id": origin["conv_id"],
        "node_id": origin["node_id"],
        "data": visit.data,
        "extra": extra,
    }
    return {"ops": [operation]}


def add_signature(url: str, secret: str, body: bytes, visit: Visit) -> str:
    """Signs a request: in the path for the URL of an API login, else in the query."""
    seconds = visit.now // 1_000_000
    signed = f"{seconds}{secret}".encode() + body + secret.encode()
    signature = sha1(signed).hexdigest()  # noqa: S324 -- the protocol's own choice
    tail = _TAIL.search(url)
    address, rest = (url[: tail.start()], url[tail.start() :]) if tail else (url, "")
    if _is_api_login(address):
        return f"{address}/{seconds}/{signature}{rest}"
    query, hash_, fragment = rest.partition("#")
    joint = "&" if query else "?"
    conv_id = visit.origin["conv_id"]
    added = f"conv_signature={signature}&conv_time={seconds}&conv_id={conv_id}"
    return f"{address}{query}{joint}{added}{hash_}{fragment}"


def _is_api_login(address: str) -> bool:
    path = address.partition("://")[2].partition("/")[2]
    return _API_LOGIN.fullmatch(f"/{path}") is not None


def read_ops(answer: Any) -> tuple[dict[str, Any], str, str]:
    """Reads the other engine's answer: what to merge, and tag and text of what is wrong."""
    if not isinstance(answer, dict) or answer.get("request_proc") != "ok":
        return {}, "api_no_request_proc", "Bad request_proc tag: the answer does not say 'ok'"
    ops = answer.get("ops")
    if not isinstance(ops, list) or not ops or not isinstance(ops[0], dict):
        return {}, "api_no_ops", "No ops. Please check documentation"
    data = ops[0].get("res_data")
    merged = data if isinstance(data, dict) else {}
    if ops[0].get("proc") != "ok":
        return merged, "api_bad_answer", f"proc: {ops[0].get('proc')}"
    if not isinstance(data, dict):
        return {}, "api_bad_res_data", "Bad res_data: it is not an object"
    return data, "", ""
