"""The server: its port, its limits, its end."""

import asyncio
import logging
import socket

import pytest
from web_site import close_site, open_site, open_workspace

from engine.errors import EngineUnreachable
from engine.settings import Settings
from engine.web.server import listen, serve


async def test_a_port_in_use_is_told(site):
    port = int(site.url.rpartition(":")[2])

    with pytest.raises(EngineUnreachable, match=rf"can't listen on 127\.0\.0\.1:{port}") as raised:
        listen(Settings(port=port))

    assert "--port" in raised.value.hint


@pytest.mark.parametrize(("host", "port"), [("192.0.2.1", 0), ("127.0.0.1", 70_000)])
def test_an_address_that_is_not_ours_is_told(host, port):
    with pytest.raises(EngineUnreachable):
        listen(Settings(host=host, port=port))


def test_a_url_that_can_be_called_is_given_for_every_address():
    listening = listen(Settings(host="0.0.0.0", port=0))
    port = listening.socket.getsockname()[1]
    listening.socket.close()

    assert listening.url == f"http://127.0.0.1:{port}"


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
async def test_an_ipv6_address_is_served(tmp_path):
    try:
        listen(Settings(host="::1", port=0)).socket.close()
    except EngineUnreachable:
        pytest.skip("this machine has no IPv6 loopback")
    site = await open_site(tmp_path, host="::1")

    assert site.url.startswith("http://[::1]:")
    assert (await site.http.get("/v1/processes")).status_code == 200
    await close_site(site)


async def test_without_a_key_a_public_address_is_warned_about(tmp_path, caplog):
    with caplog.at_level(logging.WARNING, "engine.web"):
        site = await open_site(tmp_path, host="0.0.0.0")
    await close_site(site)

    assert [each.message for each in caplog.records if each.name == "engine.web"] == [
        "no key is configured: only this machine may use /v1; callbacks come from anywhere"
    ]


async def test_with_a_key_a_public_address_is_not_warned_about(tmp_path, caplog):
    site = await open_site(tmp_path, host="0.0.0.0", api_secret="s3cret")
    await close_site(site)

    assert [each for each in caplog.records if each.name == "engine.web"] == []


async def test_an_answer_under_way_is_finished_when_the_server_stops(site):
    path = "/v1/processes/wait/tasks"
    rows = [{"ref": str(number)} for number in range(500)]
    asked = asyncio.create_task(site.http.post(path, json=rows))
    while not (await site.workspace.tasks(_query())):
        await asyncio.sleep(0)

    await site.stop_serving()

    assert len((await asked).json()) == 500


def _query():
    from engine.workspace import TaskQuery

    return TaskQuery("wait", limit=1)


async def test_a_stopped_server_takes_no_connections(site):
    port = int(site.url.rpartition(":")[2])
    await site.stop_serving()

    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)


async def test_a_fault_of_whoever_is_told_the_url_ends_the_server(tmp_path):
    workspace = await open_workspace(tmp_path)

    def ready(url):
        raise RuntimeError(url)

    with pytest.raises(RuntimeError, match="http://127"):
        await serve(workspace, workspace.settings, ready=ready)
    await workspace.stop()


# What comes over the wire.


async def test_a_head_without_end_is_refused(site):
    head = b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Long: "
    reader, writer = await asyncio.open_connection("127.0.0.1", int(site.url.rpartition(":")[2]))
    writer.write(head)
    await writer.drain()
    received = b""
    try:
        for _ in range(10_000):
            writer.write(b"x" * 10_000)
            await writer.drain()
        pytest.fail("a hundred megabytes of head were taken")
    except ConnectionError:
        received = b"refused"
    finally:
        writer.close()
        del reader

    assert received == b"refused"
    assert (await site.http.get("/health")).status_code == 200


async def test_large_bodies_and_many_requests_on_one_connection_are_taken(site):
    body = b'{"data": {"text": "' + b"x" * 100_000 + b'"}}'
    one = (
        b"POST /v1/processes/wait/tasks HTTP/1.1\r\nHost: localhost\r\n"
        b"Content-Length: %d\r\n\r\n" % len(body)
    ) + body
    last = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

    received = await site.raw(one * 20 + last)

    assert received.count(b"HTTP/1.1 201") == 20
    assert received.count(b"HTTP/1.1 200") == 1


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        b"GET /v1/processes HTTP/9.9\r\n\r\n",
        b"POST /v1/processes/wait/tasks HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        b"POST /v1/processes/wait/tasks HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
    ],
)
async def test_what_is_no_request_is_400(site, sent):
    assert (await site.raw(sent)).startswith(b"HTTP/1.1 400")


async def test_a_web_socket_is_not_opened(site):
    received = await site.raw(
        b"GET /v1/processes HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, close\r\n"
        b"Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        b"Sec-WebSocket-Version: 13\r\n\r\n"
    )

    assert not received.startswith(b"HTTP/1.1 101")


async def test_the_server_does_not_say_what_it_is(site):
    assert "server" not in (await site.http.get("/health")).headers


async def test_whom_a_proxy_on_this_machine_speaks_for_is_not_taken_for_local(site):
    by_proxy = {"x-forwarded-for": "192.0.2.7", "x-forwarded-proto": "https"}
    forged = {"x-forwarded-for": "127.0.0.1, 192.0.2.7"}

    assert (await site.http.get("/v1/processes", headers=by_proxy)).status_code == 403
    assert (await site.http.get("/v1/processes", headers=forged)).status_code == 403
    assert (await site.http.get("/health", headers=by_proxy)).status_code == 200


async def test_answers_without_content_are_sent_at_once(site):
    await site.submit("wait", ref="r1")
    received = await site.raw(
        b"HEAD /v1/processes HTTP/1.1\r\nHost: localhost\r\n\r\n"
        b"OPTIONS /v1/processes HTTP/1.1\r\nHost: localhost\r\n\r\n"
        b"DELETE /v1/processes/wait/tasks/r1 HTTP/1.1\r\nHost: localhost\r\n"
        b"Connection: close\r\n\r\n"
    )

    statuses = [line[9:12] for line in received.split(b"\r\n") if line.startswith(b"HTTP/1.1")]
    assert statuses == [b"200", b"204", b"204"]


async def test_a_client_that_asks_whether_to_go_on_is_told(site):
    reader, writer = await asyncio.open_connection("127.0.0.1", int(site.url.rpartition(":")[2]))
    writer.write(
        b"POST /v1/processes/wait/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n"
        b"Expect: 100-continue\r\nConnection: close\r\n\r\n"
    )
    told = await reader.readuntil(b"\r\n\r\n")
    writer.write(b"{}")
    answered = await reader.read()
    writer.close()

    assert told.startswith(b"HTTP/1.1 100")
    assert answered.startswith(b"HTTP/1.1 201")
