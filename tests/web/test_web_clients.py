"""What clients do to a server: all at once, twice, half, and with a database that fails."""

import asyncio
import contextlib
import json
from urllib.parse import urlsplit

import httpx
import pytest
from web_site import close_site, open_site

from engine.errors import StoreUnavailable
from engine.runtime.clock import SystemClock, system_chance
from engine.runtime.engine import Engine
from engine.settings import Settings
from engine.store.opening import open_store
from engine.web.server import serve
from engine.workspace import Workspace

SID = "SM00112233445566778899aabbccddeeff"
PAUSED = """
process: closed
status: paused
nodes:
  start: {type: start, next: done}
  done: {type: end}
"""


async def stored(site, process, ref):
    """Reads a task from the file over a connection of its own."""
    store = await open_store(site.workspace.settings.database, read_only=True)
    try:
        return await store.task((process, ref))
    finally:
        await store.aclose()


async def all_at_once(site, count, ask):
    """Asks so many times in parallel, over fifty connections."""
    limits = httpx.Limits(max_connections=50, max_keepalive_connections=50)
    async with httpx.AsyncClient(
        base_url=site.url, timeout=60, limits=limits, trust_env=False
    ) as client:
        return await asyncio.gather(*(ask(client) for _ in range(count)))


@contextlib.asynccontextmanager
async def connection(site):
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(site.url).port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


# Safe.


async def test_what_was_answered_201_is_in_the_file(site):
    data = {"name": "+15551234567", "times": 12345678901234567890123}
    answer = await site.submit("greet", data, ref="r/1")

    task = await stored(site, "greet", "r/1")

    assert answer.status_code == 201
    assert task.task_id == answer.json()["task_id"]
    assert task.data == data | {"greeting": "Hello +15551234567"}


async def test_a_callback_that_was_answered_is_in_the_file(site):
    await site.submit("wait", ref="r1")
    path = site.callback_path("wait", "by_ref")
    await site.http.post(path, json={"order": {"ref": "r1", "paid": 1.5}})

    task = await stored(site, "wait", "r1")

    assert task.node == "done"
    assert task.data == {"order": {"ref": "r1", "paid": 1.5}}


async def test_a_paused_process_takes_no_tasks(site, tmp_path):
    (tmp_path / "processes" / "closed.yaml").write_text(PAUSED)
    await site.workspace.deploy_folder([tmp_path / "processes"])

    answer = await site.submit("closed")

    assert answer.status_code == 409
    assert answer.json()["kind"] == "not_active"


# All at once.


async def test_a_hundred_parallel_repeats_make_one_task(site):
    async def ask(client):
        return await client.post(
            "/v1/processes/wait/tasks",
            json={"data": {"n": 1}},
            headers={"idempotency-key": "k1"},
        )

    answers = await all_at_once(site, 100, ask)

    listed = (await site.http.get("/v1/processes/wait/tasks")).json()["tasks"]
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert len(listed) == 1


async def test_parallel_repeats_of_a_list_make_its_tasks_once(site):
    async def ask(client):
        return await client.post(
            "/v1/processes/wait/tasks",
            json=[{"ref": "a"}, {"ref": "b"}, {"ref": "c"}],
            headers={"idempotency-key": "k1"},
        )

    answers = await all_at_once(site, 30, ask)

    listed = (await site.http.get("/v1/processes/wait/tasks")).json()["tasks"]
    assert len({answer.content for answer in answers}) == 1
    assert sorted(task["ref"] for task in listed) == ["a", "b", "c"]


async def test_a_repeat_is_answered_with_the_location_again(site):
    headers = {"idempotency-key": "k1"}
    first = await site.submit("wait", headers=headers)
    again = await site.submit("wait", headers=headers)

    assert again.content == first.content
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["idempotent-replayed"] == "true"


async def test_a_thousand_equal_callbacks_are_one_transition(site):
    await site.submit("sms", ref=SID)
    path = site.callback_path("sms", "callback", "twilio")

    async def ask(client):
        return await client.post(path, data={"MessageSid": SID, "MessageStatus": "sent"})

    answers = await all_at_once(site, 1000, ask)

    shown = (await site.http.get(f"/v1/processes/sms/tasks/{SID}?history=1")).json()
    assert {answer.status_code for answer in answers} == {204}
    assert [visit["node"] for visit in shown["history"]] == [
        "start",
        "callback",
        "is_final",
        "callback",
    ]


# Half.


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/x-www-form-urlencoded", f"MessageSid={SID}&MessageStatus=deliver"),
        ("application/json", f'{{"MessageSid": "{SID}", "MessageStatus": "delivered"}}'),
    ],
)
async def test_a_callback_that_is_cut_short_is_not_taken(site, content_type, body):
    await site.submit("sms", ref=SID)
    path = site.callback_path("sms", "callback", "twilio")
    head = (
        f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {content_type}\r\n"
        "content-length: 200\r\n\r\n"
    )
    async with connection(site) as (reader, writer):
        writer.write((head + body).encode())
        writer.write_eof()
        received = await reader.read()

    assert received == b""
    assert (await site.task("sms", SID))["data"] == {}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/processes/wait/tasks", '{"ref": "cut"}\n{"ref": "cut2"}\n'),
        ("PATCH", "/v1/processes/wait/tasks/whole", '{"data": {"kind": "changed"}}'),
    ],
)
async def test_a_request_that_is_cut_short_changes_nothing(site, caplog, method, path, body):
    await site.submit("wait", ref="whole")
    head = (
        f"{method} {path} HTTP/1.1\r\nhost: localhost\r\n"
        "content-type: application/x-ndjson\r\ncontent-length: 200\r\n\r\n"
    )
    async with connection(site) as (reader, writer):
        writer.write((head + body).encode())
        writer.write_eof()
        await reader.read()

    listed = (await site.http.get("/v1/processes/wait/tasks")).json()["tasks"]
    assert [(task["ref"], task["data"]) for task in listed] == [("whole", {})]
    assert "broke" not in caplog.text


async def test_who_stops_waiting_leaves_nothing_behind(site):
    head = b"POST /v1/processes/wait/tasks?wait=3600 HTTP/1.1\r\nhost: localhost\r\n\r\n"
    waiters = site.workspace._waiters
    async with asyncio.timeout(30):
        async with connection(site) as (_, writer):
            writer.write(head)
            while not waiters:
                await asyncio.sleep(0)
        while waiters:
            await asyncio.sleep(0)

    assert len((await site.http.get("/v1/processes/wait/tasks")).json()["tasks"]) == 1


async def test_pipelined_requests_are_answered_in_order(site):
    requests = [
        b"GET /v1/processes/%s HTTP/1.1\r\nhost: localhost\r\n%s\r\n" % (name, more)
        for name, more in ((b"wait", b""), (b"nope", b""), (b"sms", b"connection: close\r\n"))
    ]

    received = await site.raw(b"".join(requests))

    bodies = [part.partition(b"\r\n\r\n")[2] for part in received.split(b"HTTP/1.1 ")[1:]]
    answers = [json.loads(body) for body in bodies]
    assert [answer.get("process") for answer in answers] == ["wait", None, "sms"]
    assert answers[1]["status"] == 404


# What can't be kept, or is not ours to give.


@pytest.mark.parametrize("ref", ["a\0b", "\0"])
async def test_a_ref_with_a_nul_character_is_refused(site, ref):
    answer = await site.submit("wait", ref=ref)

    assert answer.status_code == 422
    assert "NUL" in answer.json()["detail"]


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"data": {"a": ' + b"[" * 100_000,
        b'{"data": ' * 50_000,
        b'{"data": {"a": "\\ud800"}}',
        b'{"ref": "\\udfff"}',
        b'{"data": {"a": NaN}}',
        b'{"data": {"a": -Infinity}}',
        b'{"data": {"a": 1e999}}',
        b'{"data": {"a": ' + b"9" * 5000 + b"}}",
        b'{"data": {"a": "\xff"}}',
    ],
)
async def test_what_is_no_json_is_the_senders_fault(site, body):
    for path in ("/v1/processes/wait/tasks", "/v1/processes/wait/tasks/r1/rerun"):
        answer = await site.http.post(path, content=body)

        assert 400 <= answer.status_code < 500
        assert answer.headers["content-type"] == "application/problem+json"
        assert {"type", "title", "status", "detail", "kind"} <= answer.json().keys()


async def test_data_may_be_nested_as_deep_as_it_can_be_read(site):
    body = b'{"data": {"a": ' + b"[" * 500 + b"]" * 500 + b"}}"
    answer = await site.http.post("/v1/processes/wait/tasks", content=body)

    assert answer.status_code == 201
    assert (await site.http.get(answer.headers["location"])).json()["data"]["a"] != []


async def test_a_callback_for_a_ref_that_no_task_can_have_is_refused(site):
    path = site.callback_path("wait", "by_ref")
    answer = await site.http.post(path, json={"order": {"ref": "r" * 256}})

    assert answer.status_code == 200
    assert answer.json()["ops"] == [
        {
            "proc": "error",
            "description": "bad task id path: a ref has at most 255 characters",
        }
    ]


async def test_the_callback_url_of_an_unknown_plugin_is_refused(site):
    path = "/v1/processes/sms/nodes/callback/callback-url"
    answer = await site.http.get(path, params={"plugin": "../../x"})

    assert answer.status_code == 422
    assert answer.json()["faults"][0]["parameter"] == "plugin"


@pytest.mark.parametrize(
    "path",
    [
        "/v1/processes/wait/tasks/",
        "/v1//processes/wait/tasks",
        "/v1/%2e%2e/v1/processes/wait/tasks",
        "//v1/processes/wait/tasks",
        "/V1/processes/wait/tasks",
    ],
)
async def test_a_path_is_taken_as_it_is_written(site, path):
    request = f"POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
    received = await site.raw(request.encode())

    assert received.startswith(b"HTTP/1.1 404")


# Who asks.


@pytest.mark.parametrize(
    "name",
    [
        "forwarded",
        "via",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
        "x-real-ip",
        "X-Forwarded-For",
    ],
)
async def test_what_a_proxy_on_this_machine_passes_on_needs_a_key(site, name):
    answer = await site.http.get("/v1/processes", headers={name: "127.0.0.1"})

    assert answer.status_code == 403
    assert answer.json()["detail"] == "without a key this engine serves only its own machine"


async def test_no_variable_makes_a_header_be_believed(tmp_path, monkeypatch):
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    site = await open_site(tmp_path)
    try:
        answer = await site.http.get("/v1/processes", headers={"x-forwarded-for": "127.0.0.1"})
    finally:
        await close_site(site)

    assert answer.status_code == 403


async def test_with_a_key_a_proxy_may_pass_requests_on(open_other):
    site = await open_other(api_login="ada", api_secret="secret")
    headers = {"authorization": "Bearer secret", "x-forwarded-for": "192.0.2.7"}

    assert (await site.http.get("/v1/processes", headers=headers)).status_code == 200


# A full engine, and a database that fails.


async def test_the_problem_of_a_full_engine_has_the_status_of_its_answer(open_other):
    site = await open_other(max_waiting=0)
    path = site.callback_path("sms", "callback", "twilio")

    callback = await site.http.post(path, data={"MessageSid": SID, "MessageStatus": "sent"})
    submit = await site.submit("wait")

    assert (callback.status_code, callback.json()["status"]) == (503, 503)
    assert (submit.status_code, submit.json()["status"]) == (429, 429)
    assert callback.headers["retry-after"] == submit.headers["retry-after"] == "1"


class FailingStore:
    """A real store whose commits fail on demand."""

    def __init__(self, store):
        self._store = store
        self.error = None

    def __getattr__(self, name):
        return getattr(self._store, name)

    async def commit(self, batch):
        if self.error is not None:
            raise self.error
        await self._store.commit(batch)


@pytest.fixture
async def failing(tmp_path):
    """A client of a served engine, and its store, which can be made to fail."""
    settings = Settings(database=f"sqlite:///{tmp_path}/engine.db", port=0)
    (tmp_path / "closed.yaml").write_text(PAUSED.replace("paused", "active"))
    store = FailingStore(await open_store(settings.database))
    engine = Engine(settings, store, SystemClock(), system_chance(), None)
    workspace = Workspace(settings, store, engine, None)
    await workspace.deploy_folder([tmp_path])
    await workspace.start()
    up = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(workspace, settings, ready=up.set_result))
    async with httpx.AsyncClient(base_url=await up, timeout=30, trust_env=False) as client:
        yield client, store
    serving.cancel()
    await asyncio.wait([serving])
    store.error = None
    await workspace.stop()


async def test_what_could_not_be_stored_is_503_and_not_there(failing):
    client, store = failing
    store.error = StoreUnavailable("disk full")
    refused = await client.post("/v1/processes/closed/tasks", json={"ref": "r1"})
    ready = await client.get("/ready")
    store.error = None
    again = await client.post("/v1/processes/closed/tasks", json={"ref": "r1"})

    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert refused.json()["kind"] == "store_unavailable"
    assert ready.status_code == 503
    assert again.status_code == 201


async def test_a_fault_of_ours_tells_no_details(failing, caplog):
    client, store = failing
    store.error = ValueError("secret of the database")
    answer = await client.post("/v1/processes/closed/tasks", json={"ref": "r1"})

    assert answer.status_code == 500
    assert answer.json()["detail"] == "a fault of the engine; its log has the details"
    assert b"secret" not in answer.content
    assert "secret of the database" in caplog.text


# What has no end.


@pytest.mark.parametrize(
    ("begin", "more"),
    [
        (b"x-long: ", b"y" * 10_000),
        (b"1;", b"y" * 10_000),
        (b"0\r\nx-long: ", b"y" * 10_000),
        (b"0\r\n", b"x: y\r\n" * 2000),
    ],
    ids=["header", "chunk extension", "trailer", "trailers"],
)
async def test_what_precedes_and_follows_a_body_has_a_bound(site, begin, more):
    path = site.callback_path("sms", "callback", "twilio")
    is_header = begin == b"x-long: "
    head = f"POST {path} HTTP/1.1\r\nhost: localhost\r\n".encode()
    head += b"" if is_header else b"transfer-encoding: chunked\r\n\r\n"

    async with connection(site) as (_, writer):
        with pytest.raises(ConnectionError):
            writer.write(head + begin)
            for _ in range(3000):
                writer.write(more)
                await writer.drain()

    assert (await site.http.get("/health")).status_code == 200


async def test_a_body_in_many_small_chunks_is_taken(site):
    text = b"x" * 100_000
    body = b'{"data": {"text": "' + text + b'"}}'
    chunks = [body[at : at + 10] for at in range(0, len(body), 10)]
    sent = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)

    received = await site.raw(
        b"POST /v1/processes/wait/tasks HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n"
        b"transfer-encoding: chunked\r\n\r\n" + sent + b"0\r\nx-checksum: 1\r\n\r\n"
    )

    assert received.startswith(b"HTTP/1.1 201")
