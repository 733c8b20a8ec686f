"""`POST /api/1/json/callback/{node_id}/{hash}`."""

import pytest

FORM = {"content-type": "Application/x-www-form-urlencoded; charset=utf-8"}
TAKEN = {"request_proc": "ok", "ops": [{"proc": "ok"}]}


def refused(description):
    return {"request_proc": "ok", "ops": [{"proc": "error", "description": description}]}


async def test_a_callback_lets_its_task_go_on(site):
    await site.submit("wait", ref="r1")
    path = site.callback_path("wait", "by_ref")

    response = await site.http.post(path, json={"order": {"ref": "r1"}, "answer": 42})

    task = await site.task("wait", "r1")
    assert (response.status_code, response.json()) == (200, TAKEN)
    assert response.headers["content-type"] == "application/json"
    assert (task["status"], task["data"]["answer"]) == ("success", 42)


async def test_a_callback_before_its_task_is_kept(site):
    path = site.callback_path("wait", "by_ref")
    response = await site.http.post(path, json={"order": {"ref": "r1"}})

    task = (await site.submit("wait", ref="r1")).json()

    assert response.json() == TAKEN
    assert task["status"] == "success"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/x-www-form-urlencoded", b'{"order": {"ref": "r1"}}'),
        ("text/xml", b' \r\n{"order": {"ref": "r1"}}'),
    ],
)
async def test_a_json_body_is_known_whatever_its_content_type_says(site, content_type, body):
    path = site.callback_path("wait", "by_ref")

    response = await site.http.post(path, content=body, headers={"content-type": content_type})

    assert (response.status_code, response.json()) == (200, TAKEN)


async def test_the_fields_of_a_form_are_text(site):
    task = (await site.submit("wait", {"kind": "by_id"}, "r1")).json()
    path = site.callback_path("wait", "by_id")
    body = f"task_id={task['task_id']}&n=5&name=%C3%A9+1&empty="

    response = await site.http.post(path, content=body, headers=FORM)

    data = (await site.task("wait", "r1"))["data"]
    assert response.json() == TAKEN
    assert (data["n"], data["name"], data["empty"]) == ("5", "é 1", "")


@pytest.mark.parametrize("body", [b"", b"{}", b'{"order": 5}', b'{"order": {"ref": null}}'])
async def test_a_callback_that_names_no_task_is_refused_with_200(site, body):
    path = site.callback_path("wait", "by_ref")
    response = await site.http.post(path, content=body)

    op = response.json()["ops"][0]
    assert (response.status_code, op["proc"]) == (200, "error")
    assert op["description"].startswith("bad task id path")


@pytest.mark.parametrize("body", [b"{", b"[]", b'"text"', b'{"order": NaN}', b"\xff"])
async def test_a_broken_body_is_400(site, body):
    path = site.callback_path("wait", "by_ref")
    response = await site.http.post(path, content=body)

    op = response.json()["ops"][0]
    assert (response.status_code, op["proc"]) == (400, "error")
    assert op["description"].startswith("Incorrect body")


async def test_a_form_with_too_many_fields_or_wrong_bytes_is_400(site):
    path = site.callback_path("wait", "by_ref")
    many = await site.http.post(path, content="a=1&" * 1001, headers=FORM)
    wrong = await site.http.post(path, content=b"a=\xff", headers=FORM)

    assert (many.status_code, wrong.status_code) == (400, 400)


async def test_a_wrong_hash_is_denied(site):
    await site.submit("wait", ref="r1")
    path = site.callback_path("wait", "by_ref")
    node = path.split("/")[-2]
    wrong = [path[:-1] + ("0" if path[-1] != "0" else "1"), path[:-40] + "%C3%A9"]
    unknown = [path.replace(node, "0" * 24), path.replace(node, "x")]

    for each in wrong + unknown:
        response = await site.http.post(each, json={"order": {"ref": "r1"}})

        assert (response.status_code, response.json()) == (403, refused("Access denied"))
    assert (await site.task("wait", "r1"))["status"] == "waiting"


async def test_a_sync_callback_for_no_task_is_refused(site):
    ended = (await site.submit("wait", {"kind": "skip"})).json()
    path = site.callback_path("wait", "by_id")

    for task_id in ("0" * 24, ended["task_id"]):
        response = await site.http.post(path, json={"task_id": task_id})

        assert (response.status_code, response.json()) == (200, refused("not_found_task"))


async def test_a_sync_callback_for_a_task_that_waits_elsewhere_is_refused(site):
    task = (await site.submit("wait", ref="r1")).json()
    path = site.callback_path("wait", "by_id")

    response = await site.http.post(path, json={"task_id": task["task_id"]})

    assert response.status_code == 200
    assert response.json() == refused("task_not_in_current_sync_callback_node")
    assert (await site.task("wait", "r1"))["status"] == "waiting"


async def test_a_callback_for_a_task_that_has_ended_is_noted_there(site):
    await site.submit("wait", ref="r1")
    path = site.callback_path("wait", "by_ref")
    await site.http.post(path, json={"order": {"ref": "r1"}})

    response = await site.http.post(path, json={"order": {"ref": "r1"}, "late": True})

    shown = (await site.http.get("/v1/processes/wait/tasks/r1?history=1")).json()
    assert response.json() == TAKEN
    assert "late" not in shown["data"]
    assert shown["history"][-1]["by"] == "late"


async def test_an_idempotency_key_makes_a_repeat_have_no_effect(site):
    path = site.callback_path("wait", "by_ref")
    key = {"idempotency-key": "e1"}
    first = await site.http.post(path, json={"order": {"ref": "r1"}}, headers=key)
    again = await site.http.post(path, json={"order": {"ref": "r1"}}, headers=key)
    await site.submit("wait", ref="r1")

    undelivered = (await site.http.get("/v1/undelivered")).json()["undelivered"]
    assert (first.json(), again.json()) == (TAKEN, TAKEN)
    assert undelivered == []


async def test_a_callback_that_is_too_large_is_413(open_other):
    site = await open_other(max_body_bytes=1000)
    response = await site.http.post(site.callback_path("wait", "by_ref"), content=b"x" * 1001)

    assert response.status_code == 413


async def test_a_full_engine_asks_the_sender_to_repeat(open_other):
    site = await open_other(max_waiting=0)
    path = site.callback_path("wait", "by_ref")
    response = await site.http.post(path, json={"order": {"ref": "r1"}})

    assert response.status_code == 503
    assert response.headers["retry-after"] == "1"
    assert response.json()["ops"][0]["proc"] == "error"
