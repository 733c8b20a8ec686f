"""The guard at the moment of connecting. Every test runs on both transports, on real servers."""

import socket

import pytest
from http_servers import CERTIFICATES, ok, server_tls

from engine.addresses import AllowedHosts
from engine.core.circuit import Circuits
from engine.core.command import CallFailure, HttpAnswer
from engine.outside.guard import Guard
from engine.outside.http import HttpPerformer, TransportKind, open_transport


@pytest.fixture(params=[TransportKind.PYREQWEST, TransportKind.HTTPX])
async def guarded(request):
    """Makes performers that find names where the test says: one answer after the other."""
    opened = []

    def make(names=None, allow=("127.0.0.1",)):
        answers = {name: iter(found) for name, found in (names or {}).items()}
        last, asked = {}, []

        async def lookup(name):
            asked.append(name)
            if name not in answers:
                raise OSError("unknown")
            last[name] = next(answers[name], last.get(name))
            return last[name]

        guard = Guard(AllowedHosts.read(allow), lookup)
        performer = HttpPerformer(open_transport(request.param), guard, Circuits(0, int))
        performer.asked, performer.guard = asked, guard
        opened.append(performer)
        return performer

    yield make
    for each in opened:
        await each.aclose()
        await each.guard.aclose()


async def test_a_closed_address_gets_no_connection(guarded, serve, make_call):
    server = await serve(ok)

    failed = await guarded(allow=()).perform(make_call(f"{server.url}/secret?key=1"))

    assert failed.failure is CallFailure.NOT_ALLOWED
    assert not failed.is_in_doubt
    assert failed.description == (
        f"POST {server.url} is not called: it is a loopback address;"
        " allow_hosts in the engine's settings (ENGINE_ALLOW_HOSTS) opens it"
    )
    assert server.connections == 0


@pytest.mark.parametrize(
    "host",
    ["2130706433", "0x7f.1", "0177.0.0.1", "127.1", "0", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
     "127.0.0.1.", "\uff11\uff12\uff17.0.0.1", "8.8.8.8@127.0.0.1", "a:b@127.1", "[64:ff9b::7f00:1]"],
)  # fmt: skip
async def test_no_spelling_gets_past(guarded, serve, make_call, host):
    server = await serve(ok)

    failed = await guarded(allow=()).perform(make_call(f"http://{host}:{server.port}/"))

    assert failed.failure is CallFailure.NOT_ALLOWED
    assert server.connections == 0


async def test_a_name_that_leads_to_a_closed_address_gets_no_connection(guarded, serve, make_call):
    server = await serve(ok)
    performer = guarded({"inside.test": [("127.0.0.1",)]}, allow=())

    failed = await performer.perform(make_call(f"http://inside.test:{server.port}/"))

    assert failed.failure is CallFailure.NOT_ALLOWED
    assert "it leads to 127.0.0.1, a loopback address" in failed.description
    assert server.connections == 0


async def test_the_address_that_was_judged_is_the_one_that_is_called(guarded, serve, make_call):
    server = await serve(ok)
    performer = guarded({"rebind.test": [("127.0.0.1",), ("10.0.0.1",)]})
    url = f"http://rebind.test:{server.port}/a?b=c"

    answer = await performer.perform(make_call(url))
    performer.guard._names.forget("rebind.test")
    failed = await performer.perform(make_call(url))

    assert answer.body == b"ok"
    assert server.requests[0].target == "/a?b=c"
    assert server.requests[0].header("host") == [f"rebind.test:{server.port}"]
    assert failed.failure is CallFailure.NOT_ALLOWED
    assert len(server.requests) == 1


async def test_a_host_header_of_the_call_is_kept(guarded, serve, make_call):
    server = await serve(ok)
    performer = guarded({"named.test": [("127.0.0.1",)]})
    call = make_call(f"http://named.test:{server.port}/", headers=(("host", "other.test"),))

    await performer.perform(call)

    assert server.requests[0].header("host") == ["other.test"]


async def test_a_name_is_asked_for_once_and_its_connection_used_again(guarded, serve, make_call):
    server = await serve(ok)
    performer = guarded({"named.test": [("127.0.0.1",)]})

    for _ in range(3):
        await performer.perform(make_call(f"http://named.test:{server.port}/"))

    assert performer.asked == ["named.test"]
    assert server.connections == 1


async def test_tls_is_about_the_name_and_the_connection_to_the_address(
    guarded, serve, make_call, monkeypatch
):
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATES / "authority.pem"))
    server = await serve(ok, server_tls())
    performer = guarded({"localhost": [("127.0.0.1",)], "other.test": [("127.0.0.1",)]})

    answers = [
        await performer.perform(make_call(f"https://localhost:{server.port}/")) for _ in range(2)
    ]
    failed = await performer.perform(make_call(f"https://other.test:{server.port}/"))

    assert [answer.body for answer in answers] == [b"ok", b"ok"]
    assert server.requests[0].header("host") == [f"localhost:{server.port}"]
    assert failed.failure is CallFailure.UNREACHABLE
    assert "certificate" in failed.description
    assert len(server.requests) == 2
    assert server.connections == 1


async def test_names_at_one_address_do_not_share_a_tls_connection(guarded, serve, make_call):
    server = await serve(ok, server_tls())
    performer = guarded({"a.test": [("127.0.0.1",)], "b.test": [("127.0.0.1",)]})

    for name in ("a.test", "b.test", "a.test", "b.test"):
        url = f"https://{name}:{server.port}/"
        assert isinstance(await performer.perform(make_call(url, verify_tls=False)), HttpAnswer)

    assert server.connections == 2
    assert [request.header("host")[0].partition(":")[0] for request in server.requests] == [
        "a.test", "b.test", "a.test", "b.test",
    ]  # fmt: skip


@pytest.mark.parametrize("host", ["10.0.0.1", "[::1]", "0x7f000001", "inside.test"])
async def test_a_redirect_is_judged_like_a_call(guarded, serve, make_call, host):
    async def away(connection):
        await connection.request()
        await connection.answer(b"", f"Location: http://{host}/x?secret=1", status="302 Found")

    server = await serve(away)
    performer = guarded({"inside.test": [("192.168.0.1",)]}, allow=(f"127.0.0.1:{server.port}",))

    failed = await performer.perform(make_call(server.url, follow_redirects=True))

    assert failed.failure is CallFailure.NOT_ALLOWED
    assert failed.description.startswith(
        f"POST {server.url}: a redirect could not be followed: GET http://{host} is not called: "
    )
    assert "secret" not in failed.description


async def test_a_redirect_to_an_open_name_is_followed(guarded, serve, make_call):
    last = await serve(ok)

    async def away(connection):
        await connection.request()
        url = f"http://named.test:{last.port}/x"
        await connection.answer(b"", f"Location: {url}", status="302 Found")

    server = await serve(away)
    performer = guarded({"named.test": [("127.0.0.1",)]})

    answer = await performer.perform(make_call(server.url, follow_redirects=True))

    assert answer.body == b"ok"
    assert last.requests[0].target == "/x"


async def test_the_next_address_is_tried_when_nobody_is_at_the_first(guarded, serve, make_call):
    server = await serve(ok)
    names = {"two.test": [("127.0.0.2", "127.0.0.1")]}
    performer = guarded(names, allow=("127.0.0.0/8",))
    url = f"http://two.test:{server.port}/"

    answer = await performer.perform(make_call(url))

    assert answer.body == b"ok"
    assert (await performer.guard.way(url, 1)).addresses == ("127.0.0.1", "127.0.0.2")
    assert len(server.requests) == 1


async def test_a_call_that_was_sent_is_not_sent_to_the_next_address(guarded, serve, make_call):
    async def closing(connection):
        await connection.request()

    server = await serve(closing)
    performer = guarded({"two.test": [("127.0.0.1", "127.0.0.1")]})

    failed = await performer.perform(make_call(f"http://two.test:{server.port}/"))

    assert failed.failure is CallFailure.BROKEN
    assert len(server.requests) == 1


async def test_a_name_at_which_nobody_is_found_is_asked_for_anew(guarded, make_call):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    performer = guarded({"gone.test": [("127.0.0.1",)]})
    call = make_call(f"http://gone.test:{port}/")

    failed = [await performer.perform(call) for _ in range(2)]

    assert {each.failure for each in failed} == {CallFailure.UNREACHABLE}
    assert failed[0].description.startswith(f"POST http://gone.test:{port} can't be reached: ")
    assert performer.asked == ["gone.test", "gone.test"]


async def test_a_name_without_address_is_unreachable(guarded, make_call):
    failed = await guarded().perform(make_call("http://nowhere.test/"))

    assert failed.failure is CallFailure.UNREACHABLE
    assert failed.description == (
        "POST http://nowhere.test can't be reached: the name has no address: unknown"
    )


async def test_a_call_to_a_name_that_is_late_names_its_own_limit(guarded, serve, make_call):
    async def silent(connection):
        await connection.request()
        await connection.until_closed()

    server = await serve(silent)
    performer = guarded({"named.test": [("127.0.0.1",)]})

    failed = await performer.perform(make_call(f"http://named.test:{server.port}/", timeout_s=0.3))

    assert failed.failure is CallFailure.TIMEOUT
    assert failed.description.endswith("no answer within 0.3 s")


async def test_a_proxy_of_the_environment_does_not_get_past_the_guard(
    guarded, serve, make_call, monkeypatch
):
    proxy, server = await serve(ok), await serve(ok)
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy.url)
    performer = guarded({"named.test": [("127.0.0.1",)]}, allow=(f"127.0.0.1:{server.port}",))

    answer = await performer.perform(make_call(f"http://named.test:{server.port}/"))
    failed = await performer.perform(make_call("http://10.0.0.1/"))

    assert answer.body == b"ok"
    assert failed.failure is CallFailure.NOT_ALLOWED
    assert proxy.connections == 0


async def test_an_address_of_version_six_stands_in_brackets(guarded, make_call):
    if not socket.has_ipv6:
        pytest.skip("no IPv6")
    try:
        listening = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("no IPv6 here")
    import asyncio

    async def answer(reader, writer):
        asked.append((await reader.readuntil(b"\r\n\r\n")).lower())
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        writer.close()

    asked = []
    port = listening.getsockname()[1]
    async with await asyncio.start_server(answer, sock=listening):
        performer = guarded({"six.test": [("::1",)]}, allow=("::1",))
        answered = await performer.perform(make_call(f"http://six.test:{port}/", "GET"))

    assert answered.body == b"ok"
    assert b"host: six.test:" in asked[0]
