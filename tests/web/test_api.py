"""The rest of `/v1`."""

from urllib.parse import quote

import pytest

REFS = ["a/b", "a b", "a?b#c", "50%", "%2F", "a/rerun", "é/ü", ".", "x&y=z+w"]


@pytest.mark.parametrize("ref", REFS)
async def test_a_task_is_found_by_any_ref(site, ref):
    await site.submit("wait", ref=ref)
    # A lone dot would be taken out of the path by the client.
    written = "%2E" if ref == "." else quote(ref, safe="")
    answer = await site.raw(
        f"GET /v1/processes/wait/tasks/{written} HTTP/1.1\r\n"
        "Host: localhost\r\nConnection: close\r\n\r\n".encode()
    )

    assert answer.startswith(b"HTTP/1.1 200")
    assert f'"ref":"{ref}"'.encode() in answer


async def test_a_task_is_found_by_its_id(site):
    task = (await site.submit("wait", ref="r1")).json()

    assert (await site.task("wait", task["task_id"]))["ref"] == "r1"


async def test_a_task_is_shown_with_its_way_on_demand(site):
    await site.submit("greet", {"name": "Ada"}, "r1")

    plain = await site.task("greet", "r1")
    shown = (await site.http.get("/v1/processes/greet/tasks/r1?history=1")).json()

    assert "history" not in plain
    assert [visit["node"] for visit in shown["history"]] == [
        "start",
        "is_it_nobody",
        "greet",
        "done",
    ]


async def test_values_of_secret_parameters_are_hidden(site):
    submitted = await site.submit("greet", {"name": "Ada", "token": "s3cret"}, "r1")
    shown = await site.task("greet", "r1")

    assert "s3cret" not in submitted.text
    assert shown["data"]["token"] == "***"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/processes/wait/tasks/nope"),
        ("PATCH", "/v1/processes/wait/tasks/nope"),
        ("DELETE", "/v1/processes/wait/tasks/nope"),
        ("POST", "/v1/processes/wait/tasks/nope/rerun"),
        ("GET", "/v1/processes/nope/tasks/r1"),
        ("GET", "/v1/processes/nope"),
        ("GET", "/v1/processes/wait/nodes/done/callback-url"),
        ("POST", "/v1/undelivered/nope/deliver"),
        ("GET", "/v1/nope"),
        ("GET", "/nope"),
        ("POST", "/v1/processes/wait/tasks/"),
    ],
)
async def test_what_is_not_there_is_a_404_problem(site, method, path):
    body = {"data": {}} if method == "PATCH" else None
    response = await site.http.request(method, path, json=body)

    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["status"] == 404


# Lists.


async def test_tasks_are_listed_newest_first_page_by_page(site):
    for ref in "abcde":
        await site.submit("wait", ref=ref)
    path = "/v1/processes/wait/tasks"

    first = (await site.http.get(path, params={"limit": 2})).json()
    second = (await site.http.get(path, params={"limit": 2, "after": first["next"]})).json()
    third = (await site.http.get(path, params={"limit": 2, "after": second["next"]})).json()

    pages = [[task["ref"] for task in page["tasks"]] for page in (first, second, third)]
    assert pages == [["e", "d"], ["c", "b"], ["a"]]
    assert third["next"] is None


async def test_tasks_are_listed_by_node_status_and_age(site):
    path = "/v1/processes/wait/tasks"
    await site.submit("wait", {"kind": "skip"}, "ended")
    await site.submit("wait", {"kind": "by_id"}, "other")
    await site.submit("wait", {}, "here")

    async def refs(**parameters):
        page = (await site.http.get(path, params=parameters)).json()
        return sorted(task["ref"] for task in page["tasks"])

    assert await refs(node="by_ref") == ["here"]
    assert await refs(status="waiting") == ["here", "other"]
    assert await refs(status="success") == ["ended"]
    assert await refs(since="2020-01-01T00:00:00Z") == ["ended", "here", "other"]
    assert await refs(since="2999-01-01") == []
    assert await refs(since="9" * 40) == []


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=501", "limit=x", "status=done", "since=yesterday", "since=1²"]
)
async def test_a_wrong_query_is_a_422_problem(site, query):
    response = await site.http.get(f"/v1/processes/wait/tasks?{query}")

    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"


async def test_a_wrong_parameter_of_a_query_is_named(site):
    problem = (await site.http.get("/v1/processes/wait/tasks?limit=501")).json()

    assert problem["kind"] == "invalid_data"
    assert problem["faults"][0]["parameter"] == "limit"


# Changes.


async def test_a_change_lets_a_waiting_task_go_on(site):
    await site.submit("wait", ref="r1")
    response = await site.http.patch("/v1/processes/wait/tasks/r1", json={"data": {"n": 1}})

    assert (response.status_code, response.json()["status"]) == (200, "success")
    assert response.json()["data"]["n"] == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"{}", 422),
        (b"[]", 422),
        (b'{"data": 5}', 422),
        (b'{"data": {}, "ref": "x"}', 422),
        (b"{", 400),
        (b"x" * 2_000_000, 413),
    ],
)
async def test_a_wrong_change_is_refused(site, body, status):
    await site.submit("wait", ref="r1")
    response = await site.http.patch("/v1/processes/wait/tasks/r1", content=body)

    assert response.status_code == status
    assert (await site.task("wait", "r1"))["status"] == "waiting"


async def test_a_chunked_change_that_gets_too_large_is_refused(open_other):
    site = await open_other(max_body_bytes=1000)
    await site.submit("wait", ref="r1")

    async def chunks():
        for _ in range(20):
            yield b"x" * 100

    response = await site.http.patch("/v1/processes/wait/tasks/r1", content=chunks())

    assert (response.status_code, response.json()["kind"]) == (413, "too_large")


async def test_a_task_that_has_ended_is_not_changed(site):
    await site.submit("greet", {"name": "Ada"}, "r1")
    response = await site.http.patch("/v1/processes/greet/tasks/r1", json={"data": {}})

    assert (response.status_code, response.json()["kind"]) == (409, "not_possible")


async def test_a_deleted_task_is_gone(site):
    await site.submit("wait", ref="r1")
    deleted = await site.http.delete("/v1/processes/wait/tasks/r1")

    assert (deleted.status_code, deleted.content) == (204, b"")
    assert (await site.http.get("/v1/processes/wait/tasks/r1")).status_code == 404


async def test_a_failed_task_is_put_back_into_the_node_it_failed_in(site):
    await site.submit("broken", {"text": "x"}, "r1")
    failed = await site.task("broken", "r1")

    response = await site.http.post("/v1/processes/broken/tasks/r1/rerun")
    shown = (await site.http.get("/v1/processes/broken/tasks/r1?history=1")).json()

    assert (failed["status"], failed["failed_in"]) == ("error", "parse")
    assert response.status_code == 200
    assert [visit["node"] for visit in shown["history"]].count("parse") == 2


async def test_a_failed_task_is_put_into_another_node(site):
    await site.submit("broken", {"text": "x"}, "r1")

    response = await site.http.post("/v1/processes/broken/tasks/r1/rerun", json={"node": "done"})

    assert response.json()["node"] == "done"


async def test_a_repeated_rerun_gets_the_same_answer(site):
    await site.submit("broken", {"text": "x"}, "r1")
    path, key = "/v1/processes/broken/tasks/r1/rerun", {"idempotency-key": "k1"}

    first = await site.http.post(path, json={"node": "done"}, headers=key)
    again = await site.http.post(path, json={"node": "done"}, headers=key)
    other = await site.http.post(path, json={"node": "parse"}, headers=key)

    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert other.status_code == 409


@pytest.mark.parametrize("body", [{"node": 5}, {"nodes": "done"}, ["done"]])
async def test_a_wrong_rerun_is_refused(site, body):
    await site.submit("broken", {"text": "x"}, "r1")
    response = await site.http.post("/v1/processes/broken/tasks/r1/rerun", json=body)

    assert response.status_code == 422


async def test_a_callback_that_nobody_took_is_listed_and_delivered(site):
    path = site.callback_path("wait", "by_ref")
    await site.http.post(path, json={"order": {"ref": "r1"}, "secret_text": "s3cret"})
    await site.submit("wait", {"kind": "skip"}, "r1")

    page = await site.http.get("/v1/undelivered")
    message = page.json()["undelivered"][0]
    deliver = f"/v1/undelivered/{message['id']}/deliver"
    too_early = await site.http.post(deliver)
    await site.submit("wait", ref="r1")
    delivered = await site.http.post(deliver, headers={"idempotency-key": "k1"})
    again = await site.http.post(deliver, headers={"idempotency-key": "k1"})

    assert (message["ref"], message["node"]) == ("r1", "by_ref")
    assert message["parameters"] == ["order", "secret_text"]
    assert "s3cret" not in page.text
    assert too_early.status_code == 409
    assert (delivered.status_code, delivered.json()) == (200, {"result": "taken"})
    assert again.json() == {"result": "taken"}
    assert (await site.http.get("/v1/undelivered")).json()["undelivered"] == []


# Processes.


async def test_processes_are_shown_with_parameters_and_counts(site):
    await site.submit("wait", ref="r1")
    listed = (await site.http.get("/v1/processes")).json()["processes"]
    greet = (await site.http.get("/v1/processes/greet")).json()
    wait = (await site.http.get("/v1/processes/wait")).json()

    assert [each["process"] for each in listed] == ["brief", "broken", "greet", "sms", "wait"]
    assert (greet["title"], greet["version"]) == ("Greet <everybody>", 1)
    assert [each["name"] for each in greet["params"] if each["secret"]] == ["token"]
    by_ref = next(node for node in wait["nodes"] if node["node"] == "by_ref")
    assert (by_ref["standing"], by_ref["in"], by_ref["out"]) == (1, 1, 0)


async def test_the_callback_url_of_a_node_is_told(site):
    path = "/v1/processes/sms/nodes/callback/callback-url"
    plain = (await site.http.get(path)).json()["url"]
    twilio = (await site.http.get(path, params={"plugin": "twilio"})).json()["url"]

    assert plain.startswith(f"{site.url}/api/1/json/callback/")
    assert twilio.startswith(f"{site.url}/api/1/json/plugins/twilio/")


# Methods.


async def test_a_path_says_which_methods_it_takes(site):
    tasks = await site.http.put("/v1/processes/wait/tasks")
    asked = await site.http.options("/v1/processes/wait/tasks/r1")
    callback = await site.http.get(site.callback_path("wait", "by_ref"))
    asked_callback = await site.http.options(site.callback_path("sms", "callback", "twilio"))

    assert (tasks.status_code, tasks.headers["allow"]) == (405, "GET, HEAD, OPTIONS, POST")
    assert tasks.json()["kind"] == "wrong_method"
    assert (asked.status_code, asked.headers["allow"]) == (204, "DELETE, GET, HEAD, OPTIONS, PATCH")
    assert (callback.status_code, callback.headers["allow"]) == (405, "OPTIONS, POST")
    assert (asked_callback.status_code, asked_callback.headers["allow"]) == (204, "OPTIONS, POST")


@pytest.mark.parametrize("path", ["/health", "/ready", "/metrics", "/", "/v1/processes"])
async def test_head_is_get_without_the_body(site, path):
    got = await site.http.get(path)
    head = await site.http.head(path)

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == got.headers["content-type"]
