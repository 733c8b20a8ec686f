"""Who may use what."""

import base64

import pytest
from web_site import ask, open_workspace

OPEN = ["/health", "/ready"]
CLOSED = ["/v1/processes", "/v1/nope", "/openapi.json", "/docs", "/metrics", "/", "/nope"]
KEY = {"api_login": "ada", "api_secret": "s3crét"}


def header(name, value):
    return [(name.encode(), value.encode())]


def basic(login, secret):
    return header(
        "authorization", "Basic " + base64.b64encode(f"{login}:{secret}".encode()).decode()
    )


@pytest.fixture
async def keyed(tmp_path):
    """A workspace with a key."""
    workspace = await open_workspace(tmp_path, **KEY)
    yield workspace
    await workspace.stop()


@pytest.mark.parametrize("path", CLOSED)
async def test_without_a_key_only_this_machine_is_served(workspace, path):
    status, _, body = await ask(workspace, "GET", path, client="192.0.2.7")

    assert status == 403
    assert b"without a key this engine serves only its own machine" in body


@pytest.mark.parametrize("client", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"])
async def test_this_machine_is_served_without_a_key(workspace, client):
    status, _, _ = await ask(workspace, "GET", "/v1/processes", client=client)

    assert status == 200


@pytest.mark.parametrize("client", ["10.0.0.1", "::ffff:10.0.0.1", "fe80::1", "", "nonsense"])
async def test_other_machines_may_not_submit_without_a_key(workspace, client):
    status, _, _ = await ask(workspace, "POST", "/v1/processes/wait/tasks", client=client)

    assert status == 403


async def test_callbacks_and_health_are_for_everybody(workspace):
    plain = workspace.callback_url("wait", "by_ref")
    path = plain[plain.index("/api/") :]
    status, _, _ = await ask(
        workspace, "POST", path, client="192.0.2.7", body=b'{"order": {"ref": "r1"}}'
    )

    assert status == 200
    for each in OPEN:
        assert (await ask(workspace, "GET", each, client="192.0.2.7"))[0] == 200


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:1", "127.0.0.1:8080", "[::1]:8080", "[::1]"]
)
async def test_this_machine_is_called_by_a_local_name(workspace, host):
    status, _, _ = await ask(workspace, "GET", "/v1/processes", host=host)

    assert status == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example:8080", "0.0.0.0:8080", ""]
)
async def test_a_name_that_was_made_to_point_here_is_refused(workspace, host):
    status, _, _ = await ask(workspace, "GET", "/v1/processes", host=host)

    assert status == 403


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:3000"])
async def test_a_page_of_another_site_may_not_submit(workspace, origin):
    status, _, _ = await ask(
        workspace, "POST", "/v1/processes/wait/tasks", headers=header("origin", origin)
    )

    assert status == 403


async def test_our_own_page_may_submit(workspace):
    headers = header("origin", "http://localhost:8080")
    status, _, _ = await ask(workspace, "POST", "/v1/processes/wait/tasks", headers=headers)

    assert status == 201


@pytest.mark.parametrize(
    "headers",
    [
        header("authorization", "Bearer s3crét"),
        header("authorization", "bearer  s3crét"),
        basic("ada", "s3crét"),
    ],
)
@pytest.mark.parametrize("client", ["127.0.0.1", "192.0.2.7"])
async def test_the_right_key_opens_from_anywhere(keyed, headers, client):
    status, _, _ = await ask(keyed, "GET", "/v1/processes", client=client, headers=headers)

    assert status == 200


@pytest.mark.parametrize(
    "headers",
    [
        [],
        header("authorization", ""),
        header("authorization", "Bearer"),
        header("authorization", "Bearer wrong"),
        header("authorization", "s3crét"),
        header("authorization", "Digest s3crét"),
        header("authorization", "Basic !"),
        header("authorization", "Basic é"),
        basic("ada", "wrong"),
        basic("bob", "s3crét"),
        basic("ada", ""),
    ],
)
async def test_a_wrong_key_is_401_and_says_how_to_show_one(keyed, headers):
    status, answered, body = await ask(keyed, "GET", "/v1/processes", headers=headers)

    assert status == 401
    assert answered[b"www-authenticate"].startswith(b"Basic ")
    assert b'"kind":"not_allowed"' in body
    assert "s3crét".encode() not in body


async def test_with_a_key_this_machine_needs_it_too(keyed):
    status, _, _ = await ask(keyed, "POST", "/v1/processes/wait/tasks")

    assert status == 401
