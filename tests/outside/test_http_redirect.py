"""Where redirects lead. Every test runs on both transports."""

import pytest
from http_servers import ok, server_tls

from engine.core.command import CallFailure


def redirecting(location: str, status: str = "302 Found"):
    async def redirect(connection):
        while True:
            request = await connection.request()
            if request.target == "/end":
                await connection.answer(b"end")
            else:
                await connection.answer(b"moved", f"Location: {location}", status=status)

    return redirect


@pytest.mark.parametrize(
    ("status", "method", "body"),
    [
        ("301 Moved", "GET", b""),
        ("302 Found", "GET", b""),
        ("303 See Other", "GET", b""),
        ("307 Temporary", "POST", b"a=1"),
        ("308 Permanent", "POST", b"a=1"),
    ],
)
async def test_post_is_redirected_as_the_status_says(
    performer, serve, make_call, status, method, body
):
    server = await serve(redirecting("/end", status))
    call = make_call(
        f"{server.url}/a/b", follow_redirects=True, headers=(("Content-Type", "text/plain"),)
    )

    answer = await performer.perform(call)

    assert answer.body == b"end"
    request = server.requests[1]
    assert (request.method, request.body) == (method, body)
    assert request.header("content-type") == (["text/plain"] if body else [])


async def test_authorization_stays_with_its_origin(performer, serve, make_call):
    other = await serve(ok)
    server = await serve(redirecting(f"{other.url}/there"))
    headers = (("Authorization", "Bearer t"), ("Cookie", "c"), ("X-Kept", "k"))

    answer = await performer.perform(
        make_call(server.url, "GET", follow_redirects=True, headers=headers)
    )

    assert answer.body == b"ok"
    assert server.requests[0].header("authorization") == ["Bearer t"]
    assert other.requests[0].header("authorization") == []
    assert other.requests[0].header("cookie") == []
    assert other.requests[0].header("x-kept") == ["k"]


async def test_authorization_goes_along_within_its_origin(performer, serve, make_call):
    server = await serve(redirecting("/end"))
    url = f"http://user:pass@127.0.0.1:{server.port}/"

    await performer.perform(make_call(url, "GET", follow_redirects=True))

    assert server.requests[1].header("authorization") == ["Basic dXNlcjpwYXNz"]


async def test_five_redirects_are_followed_and_the_sixth_is_the_answer(performer, serve, make_call):
    server = await serve(redirecting("/again"))

    answer = await performer.perform(make_call(server.url, "GET", follow_redirects=True))

    assert (answer.status, answer.body) == (302, b"moved")
    assert len(server.requests) == 6


@pytest.mark.parametrize("location", ["ftp://example.com/", "http://[::1/", "mailto:a@b"])
async def test_redirect_that_can_not_be_followed_is_the_answer(
    performer, serve, make_call, location
):
    server = await serve(redirecting(location))

    answer = await performer.perform(make_call(server.url, "GET", follow_redirects=True))

    assert answer.status == 302


async def test_redirect_into_the_void_does_not_claim_that_nothing_was_sent(
    performer, serve, make_call
):
    tls = await serve(ok, server_tls())
    server = await serve(redirecting(tls.url))

    failed = await performer.perform(make_call(server.url, follow_redirects=True))

    assert failed.failure is CallFailure.BROKEN
    assert "a redirect could not be followed" in failed.description


async def test_redirected_calls_share_one_time_limit(performer, serve, make_call):
    async def silent(connection):
        await connection.request()
        await connection.until_closed()

    last = await serve(silent)
    server = await serve(redirecting(last.url))

    failed = await performer.perform(make_call(server.url, timeout_s=0.4, follow_redirects=True))

    assert failed.failure is CallFailure.TIMEOUT
    assert len(last.requests) == 1


async def test_redirected_answer_that_is_too_large_says_so(performer, serve, make_call):
    server = await serve(redirecting("/end"))
    call = make_call(server.url, "GET", follow_redirects=True, max_response_bytes=5)

    assert (await performer.perform(call)).body == b"end"
    shorter = make_call(f"{server.url}/end", "GET", follow_redirects=True, max_response_bytes=2)
    assert (await performer.perform(shorter)).failure is CallFailure.TOO_LARGE
