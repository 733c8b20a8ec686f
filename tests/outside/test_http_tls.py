"""Certificates. Every test runs on both transports."""

import asyncio
import os
import socket
import ssl
from contextlib import suppress

import pytest
from http_servers import CERTIFICATES, ok, server_tls

from engine.core.command import CallFailure

CLIENT_PEM = (CERTIFICATES / "client.pem").read_text()


async def test_certificate_of_an_unknown_authority_is_unreachable(performer, serve, make_call):
    server = await serve(ok, server_tls())

    failed = await performer.perform(make_call(server.url))

    assert failed.failure is CallFailure.UNREACHABLE
    assert "certificate" in failed.description
    assert server.requests == []


async def test_certificate_is_not_looked_at_when_the_call_says_so(performer, serve, make_call):
    server = await serve(ok, server_tls())

    answer = await performer.perform(make_call(server.url, verify_tls=False))

    assert answer.body == b"ok"


async def test_call_that_trusts_anybody_does_not_lend_its_connection(performer, serve, make_call):
    server = await serve(ok, server_tls())
    await performer.perform(make_call(server.url, verify_tls=False))

    failed = await performer.perform(make_call(server.url))

    assert failed.failure is CallFailure.UNREACHABLE


async def test_authority_named_by_the_environment_is_trusted(
    performer, serve, make_call, monkeypatch
):
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATES / "authority.pem"))
    server = await serve(ok, server_tls())

    answer = await performer.perform(make_call(server.url))

    assert answer.body == b"ok"


async def test_client_certificate_is_presented(performer, serve, make_call):
    server = await serve(ok, server_tls(asks_for_client=True))
    call = make_call(server.url, verify_tls=False, client_cert_pem=CLIENT_PEM)

    answer = await performer.perform(call)

    assert answer.body == b"ok"


def refuse_handshake(listener: socket.socket) -> None:
    """Ask one client for its certificate and send the alert when there is none."""
    connection, _ = listener.accept()
    tls = server_tls(asks_for_client=True).wrap_socket(
        connection, server_side=True, do_handshake_on_connect=False
    )
    with tls:
        with pytest.raises(ssl.SSLError):
            tls.do_handshake()
        # A socket closed with bytes unread is reset, and the alert lost.
        with suppress(ConnectionError):
            while os.read(tls.fileno(), 65536):
                pass


async def test_server_that_misses_our_certificate_is_unreachable(performer, make_call):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        server = asyncio.create_task(asyncio.to_thread(refuse_handshake, listener))

        failed = await performer.perform(make_call(url, verify_tls=False))

        await server
    assert failed.failure is CallFailure.UNREACHABLE


async def test_client_certificate_that_can_not_be_read_is_invalid(performer, make_call):
    call = make_call("https://127.0.0.1/", client_cert_pem="-----BEGIN NONSENSE-----")

    failed = await performer.perform(call)

    assert failed.failure is CallFailure.INVALID
    assert "the client certificate can't be read" in failed.description
    assert "NONSENSE" not in failed.description


async def test_plain_server_behind_https_is_unreachable(performer, serve, make_call):
    async def plain(connection):
        await connection.reader.read(1)
        await connection.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    server = await serve(plain)
    url = server.url.replace("http:", "https:")

    failed = await performer.perform(make_call(url))

    assert failed.failure is CallFailure.UNREACHABLE
