"""`POST /v1/processes/{process}/tasks`."""

import asyncio

import pytest

TASKS = "/v1/processes/greet/tasks"
JSON_ROW = {"content-type": "application/x-ndjson"}


async def test_a_task_is_answered_201_with_its_location(site):
    response = await site.submit("greet", {"name": "Ada"}, "r1")

    task = response.json()
    assert response.status_code == 201
    assert response.headers["location"] == f"{TASKS}/{task['task_id']}"
    assert (task["ref"], task["process"], task["status"]) == ("r1", "greet", "success")
    assert task["data"] == {"name": "Ada", "greeting": "Hello Ada"}
    assert (await site.http.get(response.headers["location"])).json()["ref"] == "r1"


async def test_the_content_type_does_not_matter(site):
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "Application/JSON"):
        response = await site.http.post(
            TASKS, content=b'{"data": {"name": "Ada"}}', headers={"content-type": content_type}
        )

        assert response.status_code == 201


@pytest.mark.parametrize(("ref", "kept"), [("17", "17"), ("1" * 30, "1" * 30)])
async def test_a_number_as_ref_becomes_text(site, ref, kept):
    response = await site.http.post(TASKS, content=f'{{"ref": {ref}, "data": {{"name": "A"}}}}')

    assert response.json()["ref"] == kept


async def test_a_ref_is_generated_where_none_is_given(site):
    response = await site.http.post(TASKS, json={"ref": None, "data": {"name": "A"}})

    assert len(response.json()["ref"]) > 0


async def test_large_integers_stay_exact(site):
    response = await site.http.post(
        "/v1/processes/wait/tasks", content=b'{"data": {"n": 123456789012345678901234567890}}'
    )

    assert b"123456789012345678901234567890" in response.content


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b'{"data": {"name": "A", "name": "B"}}', "name"),
        (b'{"ref": "1", "data": {"name": "A"}, "ref": "2"}', "ref"),
        (b'{"data": {"a": [1, {"b": {"deep": 1, "x": ":", "deep": 1}}]}}', "deep"),
        (b'{"data": {"na\\u006de": "A", "name": "B"}}', "name"),
        (b'{"data": {"a": "\\u003a", "b": 1, "b": 2}}', "b"),
        (b'{"data": {"": 1, "": 2}}', ""),
    ],
)
async def test_a_name_that_comes_twice_is_refused_by_name(site, body, name):
    response = await site.http.post(TASKS, content=body)

    assert (response.status_code, response.json()["kind"]) == (400, "request_error")
    assert response.json()["detail"] == f"the body has '{name}' twice in one object"


@pytest.mark.parametrize(
    "body",
    [
        b'{"data": {"url": "http://a:80/", "text": "a: \\u003a \\\\u003a", "b" :{"url":":"}}}',
        b'{"data": {"list": [{"n": 1}, {"n": 1}], "n": {"n": {"n": 1e2}}}}',
    ],
)
async def test_colons_in_texts_and_one_name_in_several_objects_are_taken(site, body):
    response = await site.http.post("/v1/processes/wait/tasks", content=body)

    assert response.status_code == 201


async def test_a_line_with_a_name_twice_is_refused_alone(site):
    lines = b'{"ref": "a"}\n{"ref": "b", "ref": "c"}\n'
    response = await site.http.post("/v1/processes/wait/tasks", content=lines, headers=JSON_ROW)

    assert response.json()[0]["ref"] == "a"
    assert response.json()[1]["error"]["status"] == 400


@pytest.mark.parametrize(("depth", "status"), [(510, 201), (511, 400), (975, 400), (5000, 400)])
async def test_a_body_as_deep_as_the_parser_goes_breaks_nothing(site, depth, status):
    body = b'{"data": {"a": ' + b"[" * depth + b"]" * depth + b"}}"
    response = await site.http.post("/v1/processes/wait/tasks", content=body)

    assert response.status_code == status


async def test_many_objects_side_by_side_are_not_deep(site):
    response = await site.submit("wait", {"list": [{"n": [1]}] * 1000})

    assert response.status_code == 201


async def test_every_wrong_parameter_is_named(site):
    response = await site.submit("greet", {"nam": "Ada", "times": "x"})

    problem = response.json()
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert problem["kind"] == "invalid_data"
    assert problem["status"] == 422
    assert {fault["parameter"] for fault in problem["faults"]} == {"nam", "name", "times"}


async def test_keys_beside_ref_and_data_are_refused_by_name(site):
    response = await site.http.post(TASKS, json={"name": "Ada", "reference": 1})

    assert response.status_code == 422
    assert response.json()["detail"] == "a task has 'ref' and 'data', not 'name', 'reference'"


@pytest.mark.parametrize(
    "body", ['"text"', "5", "null", '{"ref": 1.5}', '{"ref": true}', '{"data": []}']
)
async def test_what_is_no_task_is_refused(site, body):
    response = await site.http.post(TASKS, content=body)

    assert response.status_code == 422


@pytest.mark.parametrize("body", [b"{", b'{"data": {"n": NaN}}', b'{"ref": "\xff"}', b"[" * 5000])
async def test_what_is_no_json_is_refused(site, body):
    response = await site.http.post(TASKS, content=body)

    assert response.status_code == 400
    assert response.json()["detail"].startswith("the body is not JSON")


async def test_an_unknown_process_is_404(site):
    response = await site.submit("nope", {})

    assert (response.status_code, response.json()["kind"]) == (404, "unknown_process")


async def test_a_ref_in_use_is_409(site):
    await site.submit("wait", ref="r1")
    response = await site.submit("wait", ref="r1")

    assert (response.status_code, response.json()["kind"]) == (409, "ref_taken")


async def test_a_body_that_says_it_is_too_large_is_refused(open_other):
    site = await open_other(max_body_bytes=1000)

    response = await site.http.post(TASKS, content=b"x" * 1001)

    assert (response.status_code, response.json()["kind"]) == (413, "too_large")


async def test_a_chunked_body_that_gets_too_large_is_refused(open_other):
    site = await open_other(max_body_bytes=1000)

    async def chunks():
        for _ in range(20):
            yield b"x" * 100

    response = await site.http.post(TASKS, content=chunks())

    assert (response.status_code, response.json()["kind"]) == (413, "too_large")
    assert (await site.submit("greet", {"name": "Ada"})).status_code == 201


async def test_a_task_larger_than_allowed_is_refused(open_other):
    site = await open_other(max_task_bytes=1000)

    response = await site.submit("wait", {"text": "x" * 1000})

    assert response.status_code == 413


async def test_a_full_engine_says_busy_and_when_to_try_again(open_other):
    site = await open_other(max_waiting=0)

    response = await site.submit("greet", {"name": "Ada"})

    assert (response.status_code, response.json()["kind"]) == (429, "busy")
    assert response.headers["retry-after"] == "1"


# Waiting.


async def test_a_task_that_ends_in_time_is_answered_200(site):
    well = await site.submit("greet", {"name": "Ada"}, params={"wait": "5"})
    badly = await site.submit("greet", {"name": "nobody"}, params={"wait": "5"})

    assert (well.status_code, well.json()["status"]) == (200, "success")
    assert (badly.status_code, badly.json()["status"]) == (200, "error")


async def test_waiting_ends_with_the_callback(site):
    waiting = asyncio.create_task(site.submit("wait", ref="r1", params={"wait": "30"}))
    path = site.callback_path("wait", "by_ref")
    await site.http.post(path, json={"order": {"ref": "r1"}, "answer": 42})

    response = await waiting
    assert response.status_code == 200
    assert response.json()["data"]["answer"] == 42


async def test_waiting_in_vain_is_202_with_the_task_as_it_is(site):
    response = await site.submit("wait", ref="r1", params={"wait": "0.01"})

    assert response.status_code == 202
    assert (response.json()["status"], response.json()["node"]) == ("waiting", "by_ref")


async def test_more_than_an_hour_is_taken_for_an_hour(site):
    response = await site.submit("greet", {"name": "Ada"}, params={"wait": "86400"})

    assert response.status_code == 200


@pytest.mark.parametrize("wait", ["soon", "-1", "nan", ""])
async def test_a_wait_that_is_no_time_is_refused(site, wait):
    response = await site.submit("greet", {"name": "Ada"}, params={"wait": wait})

    assert response.status_code == 422


async def test_other_names_in_the_query_are_not_taken_for_wait(site):
    response = await site.submit("greet", {"name": "Ada"}, params={"awaiting": "x"})

    assert response.status_code == 201


async def test_whoever_waits_is_answered_when_the_server_stops(site):
    waiting = asyncio.create_task(site.submit("wait", ref="r1", params={"wait": "3000"}))
    while (await site.http.get("/v1/processes/wait/tasks/r1")).status_code == 404:
        pass

    await site.stop_serving()

    assert (await waiting).status_code == 202


@pytest.mark.parametrize("data", [{}, {"wait": True}])
async def test_the_end_of_a_task_that_is_not_kept_is_answered(site, data):
    waiting = asyncio.create_task(site.submit("brief", data, "r1", params={"wait": "3000"}))
    if data:
        await _until_it_stands(site, "brief", "r1")
        await site.http.post(site.callback_path("brief", "stand"), json={"ref": "r1"})

    response = await waiting
    assert (response.status_code, response.json()["status"]) == (200, "success")
    assert (await site.http.get("/v1/processes/brief/tasks/r1")).status_code == 404


async def test_waiting_for_a_task_that_is_removed_is_404(site):
    waiting = asyncio.create_task(site.submit("wait", ref="r1", params={"wait": "3000"}))
    await _until_it_stands(site, "wait", "r1")

    await site.http.delete("/v1/processes/wait/tasks/r1")

    response = await waiting
    assert (response.status_code, response.json()["kind"]) == (404, "unknown_task")


async def test_a_repeat_does_not_wait_for_a_task_that_is_gone(site):
    key = {"idempotency-key": "k1"}
    await site.submit("brief", ref="r1", headers=key)
    again = await site.submit("brief", ref="r1", headers=key, params={"wait": "3000"})

    assert (again.status_code, again.json()["kind"]) == (404, "unknown_task")


async def _until_it_stands(site, process, ref):
    path = f"/v1/processes/{process}/tasks/{ref}"
    while (await site.http.get(path)).json()["status"] != "waiting":
        pass


# Many.


async def test_a_list_is_answered_with_a_result_for_each_in_order(site):
    await site.submit("wait", ref="taken")
    rows = [
        {"ref": "a"},
        {"ref": "taken"},
        {"reff": "b"},
        "text",
        {"ref": "c", "data": {"n": 1}},
    ]
    response = await site.http.post("/v1/processes/wait/tasks", json=rows)

    results = response.json()
    assert response.status_code == 200
    assert [each.get("ref") for each in results] == ["a", None, None, None, "c"]
    assert [(each.get("error") or {}).get("status") for each in results] == [
        None,
        409,
        422,
        422,
        None,
    ]


async def test_lines_of_json_are_a_list_too(site):
    lines = b'{"ref": "a"}\n\n{"ref": "b"\n{"ref": "c"}\r\n'
    response = await site.http.post("/v1/processes/wait/tasks", content=lines, headers=JSON_ROW)

    assert [each.get("ref") for each in response.json()] == ["a", None, "c"]
    assert response.json()[1]["error"]["status"] == 400


async def test_an_empty_list_has_no_results(site):
    response = await site.http.post(TASKS, json=[])

    assert (response.status_code, response.json()) == (200, [])


async def test_a_list_for_an_unknown_process_is_404(site):
    response = await site.http.post("/v1/processes/nope/tasks", json=[{}])

    assert response.status_code == 404


async def test_a_list_that_is_too_long_is_refused_as_a_whole(site):
    response = await site.http.post("/v1/processes/wait/tasks", json=[{}] * 10_001)

    assert response.status_code == 413
    assert (await site.http.get("/v1/processes/wait/tasks")).json()["tasks"] == []


async def test_a_list_is_not_waited_for(site):
    response = await site.http.post(TASKS, json=[{}], params={"wait": "1"})

    assert response.status_code == 422


# Idempotency.


async def test_the_same_key_and_body_get_the_same_answer(site):
    key = {"idempotency-key": "k1"}
    first = await site.submit("wait", ref="r1", headers=key)
    again = await site.submit("wait", ref="r1", headers=key)

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"


async def test_the_same_key_with_another_body_is_409(site):
    key = {"idempotency-key": "k1"}
    await site.submit("wait", {"n": 1}, headers=key)
    response = await site.submit("wait", {"n": 2}, headers=key)

    assert (response.status_code, response.json()["kind"]) == (409, "key_reused")


async def test_a_key_belongs_to_its_process(site):
    key = {"idempotency-key": "k1"}
    await site.submit("wait", {"name": "Ada"}, headers=key)
    response = await site.submit("greet", {"name": "Ada"}, headers=key)

    assert response.json()["process"] == "greet"


async def test_a_refused_request_leaves_its_key_free(site):
    key = {"idempotency-key": "k1"}
    refused = await site.submit("greet", {"nam": "Ada"}, headers=key)
    mended = await site.submit("greet", {"name": "Ada"}, headers=key)

    assert (refused.status_code, mended.status_code) == (422, 201)


async def test_a_repeat_may_wait_for_the_task_of_the_first(site):
    key = {"idempotency-key": "k1"}
    first = await site.submit("greet", {"name": "Ada"}, headers=key)
    again = await site.submit("greet", {"name": "Ada"}, headers=key, params={"wait": "5"})

    assert again.status_code == 200
    assert again.json()["task_id"] == first.json()["task_id"]


WAIT_TASKS = "/v1/processes/wait/tasks"


async def refs(site):
    tasks = (await site.http.get(WAIT_TASKS)).json()["tasks"]
    return sorted(task["ref"] for task in tasks)


async def test_the_same_list_with_the_same_key_gets_the_same_answers(site):
    headers = {"idempotency-key": "k1"}
    rows = [{"ref": "a"}, {"ref": "b", "data": {"n": 1}}]
    first = await site.http.post(WAIT_TASKS, json=rows, headers=headers)
    again = await site.http.post(WAIT_TASKS, json=rows, headers=headers)

    assert (first.status_code, again.status_code) == (200, 200)
    assert again.content == first.content
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert await refs(site) == ["a", "b"]


@pytest.mark.parametrize(
    "other",
    [
        [{"ref": "a"}, {"ref": "b"}, {"ref": "c"}],
        [{"ref": "a"}],
        [{"ref": "c"}, {"ref": "d"}],
        [{"ref": "b"}, {"ref": "a"}],
        {"ref": "a"},
    ],
)
async def test_another_list_with_the_same_key_is_409_as_a_whole(site, other):
    headers = {"idempotency-key": "k1"}
    await site.http.post(WAIT_TASKS, json=[{"ref": "a"}, {"ref": "b"}], headers=headers)
    response = await site.http.post(WAIT_TASKS, json=other, headers=headers)

    assert (response.status_code, response.json()["kind"]) == (409, "key_reused")
    assert await refs(site) == ["a", "b"]


async def test_a_list_with_the_key_of_a_single_task_is_409(site):
    headers = {"idempotency-key": "k1"}
    await site.http.post(WAIT_TASKS, json={"ref": "a"}, headers=headers)
    response = await site.http.post(WAIT_TASKS, json=[{"ref": "a"}], headers=headers)

    assert (response.status_code, response.json()["kind"]) == (409, "key_reused")


async def test_what_was_refused_in_a_list_is_tried_again_by_its_repeat(site):
    await site.submit("wait", ref="b")
    headers = {"idempotency-key": "k1"}
    rows = [{"ref": "a"}, {"ref": "b"}, {"reff": "c"}]
    first = await site.http.post(WAIT_TASKS, json=rows, headers=headers)
    await site.http.delete(f"{WAIT_TASKS}/b")
    again = await site.http.post(WAIT_TASKS, json=rows, headers=headers)

    assert [(each.get("error") or {}).get("status") for each in first.json()] == [None, 409, 422]
    assert [(each.get("error") or {}).get("status") for each in again.json()] == [None, None, 422]
    assert again.json()[0] == first.json()[0]
    assert "idempotent-replayed" not in again.headers


async def test_lines_are_repeated_as_lists_are(site):
    headers = JSON_ROW | {"idempotency-key": "k1"}
    first = await site.http.post(WAIT_TASKS, content=b'{"ref": "a"}\n', headers=headers)
    again = await site.http.post(WAIT_TASKS, content=b'{"ref": "a"}\n', headers=headers)
    other = await site.http.post(WAIT_TASKS, content=b'{"ref": "b"}\n', headers=headers)

    assert again.content == first.content
    assert other.status_code == 409


async def test_a_key_without_end_is_refused(site):
    response = await site.submit("wait", headers={"idempotency-key": "k" * 201})

    assert response.status_code == 422
