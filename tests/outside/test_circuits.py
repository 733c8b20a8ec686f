"""A real server that fails: after some calls nothing is sent to it any more."""

import pytest

from engine.addresses import LOOPBACK, AllowedHosts
from engine.core.circuit import Circuits
from engine.core.command import CallFailure
from engine.outside.guard import Guard
from engine.outside.http import HttpPerformer, TransportKind, open_transport, origin_of


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://api.example.com/v1?a=1", "https://api.example.com"),
        ("https://me:p%40ss@API.example.com:8443", "https://api.example.com:8443"),
        ("http://[::1]:80/x@y", "http://[::1]:80"),
        ("https://api.example.com?x=/@", "https://api.example.com"),
    ],
)
def test_an_origin_is_scheme_host_and_port(url, origin):
    assert origin_of(url) == origin


@pytest.fixture(params=[TransportKind.PYREQWEST, TransportKind.HTTPX])
async def careful(request):
    """A performer that lets a host be after three failures, and the time it goes by."""
    now = [1_700_000_000_000_000]
    guard = Guard(AllowedHosts.read(LOOPBACK))
    performer = HttpPerformer(open_transport(request.param), guard, Circuits(3, lambda: now[0]))
    yield performer, now
    await performer.aclose()
    await guard.aclose()


async def test_a_server_that_fails_is_let_be_until_one_call_has_tried_it(careful, serve, make_call):
    performer, now = careful
    status = ["503 Busy"]

    async def behave(connection):
        await connection.request()
        await connection.answer(b"", "Connection: close", status=status[0])

    server = await serve(behave)
    call = make_call(f"{server.url}/secret-path?key=1")

    answers = [await performer.perform(call) for _ in range(5)]
    status[0], now[0] = "200 OK", now[0] + 1_000_000
    again = [(await performer.perform(call)).status for _ in range(3)]

    assert [answer.status for answer in answers[:3]] == [503, 503, 503]
    assert {answer.failure for answer in answers[3:]} == {CallFailure.CIRCUIT_OPEN}
    assert answers[3].description == (
        f"POST {server.url} is not called:"
        " its circuit is open for 1 s more: the last answer was 503"
    )
    assert not answers[3].is_in_doubt
    assert (again, len(server.requests)) == ([200, 200, 200], 6)


async def test_a_server_that_asks_for_a_rest_hears_nothing_meanwhile(careful, serve, make_call):
    performer, now = careful

    async def behave(connection):
        await connection.request()
        await connection.answer(b"", "Retry-After: 20", "Connection: close", status="429 Slow")

    server = await serve(behave)

    for seconds in (0, 5, 14, 2):
        now[0] += seconds * 1_000_000
        await performer.perform(make_call(server.url))

    assert len(server.requests) == 2
