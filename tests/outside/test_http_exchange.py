"""What goes out and what comes back. Every test runs on both transports."""

import gzip
import zlib

import pytest
from http_servers import endless, ok

from engine import __version__
from engine.core.command import CallFailure, HttpAnswer


async def test_request_arrives_as_written(performer, serve, make_call):
    server = await serve(ok)
    call = make_call(
        f"{server.url}/Messages.json?a=1&b=2#part",
        headers=(("Content-Type", "text/plain"), ("Idempotency-Key", "t-1")),
        body=b"hello",
    )

    answer = await performer.perform(call)

    assert answer.status == 200
    assert answer.body == b"ok"
    assert answer.elapsed_ms > 0
    [request] = server.requests
    assert (request.method, request.target) == ("POST", "/Messages.json?a=1&b=2")
    assert request.header("content-type") == ["text/plain"]
    assert request.header("idempotency-key") == ["t-1"]
    assert request.header("content-length") == ["5"]
    assert request.header("host") == [f"127.0.0.1:{server.port}"]
    assert request.body == b"hello"


async def test_user_agent_is_ours_unless_the_call_has_one(performer, serve, make_call):
    server = await serve(ok)

    await performer.perform(make_call(server.url))
    await performer.perform(make_call(server.url, headers=(("user-agent", "theirs"),)))

    assert [request.header("user-agent") for request in server.requests] == [
        [f"conveyor/{__version__}"],
        ["theirs"],
    ]


async def test_user_and_password_of_the_url_become_basic_auth(performer, serve, make_call):
    server = await serve(ok)

    await performer.perform(make_call(f"http://us%40er:pa%3Ass@127.0.0.1:{server.port}/x"))

    assert server.requests[0].target == "/x"
    assert server.requests[0].header("authorization") == ["Basic dXNAZXI6cGE6c3M="]


async def test_authorization_of_the_call_wins_over_the_url(performer, serve, make_call):
    server = await serve(ok)
    url = f"http://user:pass@127.0.0.1:{server.port}/"

    await performer.perform(make_call(url, headers=(("authorization", "Bearer t"),)))

    assert server.requests[0].header("authorization") == ["Bearer t"]


async def test_wrong_framing_headers_of_the_call_are_not_sent(performer, serve, make_call):
    server = await serve(ok)
    headers = (
        ("Content-Length", "99"),
        ("Transfer-Encoding", "chunked"),
        ("Expect", "100-continue"),
    )

    answer = await performer.perform(make_call(server.url, headers=headers, body=b"four"))

    assert answer.status == 200
    assert server.requests[0].header("content-length") == ["4"]
    assert server.requests[0].header("transfer-encoding") == []
    assert server.requests[0].header("expect") == []


@pytest.mark.parametrize("body", [None, b""])
async def test_post_without_body_says_that_its_length_is_nothing(performer, serve, make_call, body):
    server = await serve(ok)

    await performer.perform(make_call(server.url, body=body))

    assert server.requests[0].header("content-length") == ["0"]


async def test_header_values_beyond_ascii_are_sent_as_utf8(performer, serve, make_call):
    server = await serve(ok)

    await performer.perform(make_call(server.url, headers=(("X-Name", " Zoë "),)))

    assert server.requests[0].header("x-name") == ["Zoë"]


async def test_spaces_and_letters_of_a_url_are_percent_encoded(performer, serve, make_call):
    server = await serve(ok)

    await performer.perform(make_call(f" {server.url}/a b/é?q=x y ", "GET"))

    assert server.requests[0].target == "/a%20b/%C3%A9?q=x%20y"


async def test_answer_header_names_are_lower_case_and_repeats_are_kept(performer, serve, make_call):
    async def cookies(connection):
        await connection.request()
        await connection.answer(b"", "Set-Cookie: a=1", "X-Other: o", "SET-COOKIE: b=2")

    server = await serve(cookies)

    answer = await performer.perform(make_call(server.url))

    assert [pair for pair in answer.headers if pair[0] == "set-cookie"] == [
        ("set-cookie", "a=1"),
        ("set-cookie", "b=2"),
    ]


async def test_cookies_are_not_kept_for_the_next_call(performer, serve, make_call):
    async def cookies(connection):
        while True:
            await connection.request()
            await connection.answer(b"", "Set-Cookie: a=1; Path=/")

    server = await serve(cookies)

    await performer.perform(make_call(server.url))
    await performer.perform(make_call(server.url))

    assert server.requests[1].header("cookie") == []


async def test_header_that_is_no_text_does_not_cost_the_answer(performer, serve, make_call):
    async def binary(connection):
        await connection.request()
        await connection.write(
            b"HTTP/1.1 200 OK\r\nX-Bad: \xe9\xff\r\nX-Good: g\r\nContent-Length: 2\r\n\r\nok"
        )

    server = await serve(binary)

    answer = await performer.perform(make_call(server.url))

    assert answer.body == b"ok"
    assert ("x-good", "g") in answer.headers


@pytest.mark.parametrize("status", ["404 Not Found", "500 Oops", "302 Found"])
async def test_every_status_is_an_answer(performer, serve, make_call, status):
    async def fails(connection):
        await connection.request()
        await connection.answer(b"why", "Location: /x", status=status)

    server = await serve(fails)

    answer = await performer.perform(make_call(server.url))

    assert (answer.status, answer.body) == (int(status[:3]), b"why")
    assert len(server.requests) == 1


async def test_head_has_headers_and_no_body(performer, serve, make_call):
    async def head(connection):
        await connection.request()
        await connection.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5000000000\r\n\r\n")
        await connection.until_closed()

    server = await serve(head)

    answer = await performer.perform(make_call(server.url, "HEAD"))

    assert (answer.status, answer.body) == (200, b"")
    assert ("content-length", "5000000000") in answer.headers


async def test_answer_204_has_no_body(performer, serve, make_call):
    async def empty(connection):
        await connection.request()
        await connection.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        await connection.until_closed()

    server = await serve(empty)

    answer = await performer.perform(make_call(server.url, "DELETE"))

    assert (answer.status, answer.body) == (204, b"")


async def test_answer_that_ends_with_its_connection_is_whole(performer, serve, make_call):
    async def old(connection):
        await connection.request()
        await connection.write(b"HTTP/1.0 200 OK\r\n\r\nall of it")

    server = await serve(old)

    answer = await performer.perform(make_call(server.url))

    assert answer.body == b"all of it"


@pytest.mark.parametrize(
    ("coding", "encoded"),
    [("gzip", gzip.compress(b"x" * 1000)), ("deflate", zlib.compress(b"x" * 1000))],
    ids=["gzip", "deflate"],
)
async def test_compressed_body_is_decoded(performer, serve, make_call, coding, encoded):
    async def compressed(connection):
        await connection.request()
        await connection.answer(encoded, f"Content-Encoding: {coding}")

    server = await serve(compressed)

    answer = await performer.perform(make_call(server.url))

    assert answer.body == b"x" * 1000
    assert "gzip" in server.requests[0].header("accept-encoding")[0]
    assert {"content-encoding", "content-length"}.isdisjoint(dict(answer.headers))


async def test_body_as_long_as_allowed_is_an_answer(performer, serve, make_call):
    async def exact(connection):
        await connection.request()
        await connection.answer(b"x" * 100_000)

    server = await serve(exact)

    answer = await performer.perform(make_call(server.url, max_response_bytes=100_000))

    assert len(answer.body) == 100_000


async def test_reading_stops_at_the_limit(performer, serve, make_call):
    server = await serve(endless)

    failed = await performer.perform(make_call(server.url, max_response_bytes=100_000))

    assert failed.failure is CallFailure.TOO_LARGE
    assert failed.description == f"POST {server.url} answered with more than 100000 bytes"
    await server.closed.wait()


async def test_limit_counts_decoded_bytes(performer, serve, make_call):
    async def bomb(connection):
        await connection.request()
        await connection.answer(gzip.compress(bytes(50_000_000)), "Content-Encoding: gzip")

    server = await serve(bomb)

    failed = await performer.perform(make_call(server.url, max_response_bytes=1_000_000))

    assert failed.failure is CallFailure.TOO_LARGE


async def test_connection_is_used_again(performer, serve, make_call):
    server = await serve(ok)

    for _ in range(3):
        await performer.perform(make_call(server.url))

    assert server.connections == 1
    assert len(server.requests) == 3


async def test_proxy_of_the_environment_is_not_used(performer, serve, make_call, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    server = await serve(ok)

    answer = await performer.perform(make_call(server.url))

    assert isinstance(answer, HttpAnswer)
