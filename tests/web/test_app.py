"""The application as a whole: pages, documents, and what happens when something breaks."""

import logging
import random
import re
from types import SimpleNamespace

import pytest
from web_site import ask

from engine.errors import StoreUnavailable
from engine.settings import Role, Settings
from engine.web.app import create_app

HOT = "/v1/processes/{process}/tasks"


class BrokenWorkspace:
    """A workspace in which everything raises."""

    settings = Settings()

    def __init__(self, error):
        self._error = error

    def __getattr__(self, name):
        def broken(*_, **__):
            raise self._error

        return broken


async def test_openapi_describes_every_call(site):
    document = (await site.http.get("/openapi.json")).json()

    hot = document["paths"][HOT]["post"]
    schema = hot["requestBody"]["content"]["application/json"]["schema"]
    assert schema["oneOf"][0]["properties"].keys() == {"ref", "data"}
    assert {"200", "201", "202", "4XX", "503"} <= hot["responses"].keys()
    assert {each["name"].lower() for each in hot["parameters"]} == {
        "process",
        "wait",
        "idempotency-key",
    }
    assert set(document["paths"]) == {
        "/health",
        "/metrics",
        "/ready",
        "/v1/deploy",
        "/v1/plan",
        "/v1/processes",
        "/v1/processes/{process}",
        "/v1/processes/{process}/nodes/{node}/callback-url",
        "/v1/processes/{process}/tasks",
        "/v1/processes/{process}/tasks/{ref}",
        "/v1/processes/{process}/tasks/{ref}/rerun",
        "/v1/undelivered",
        "/v1/undelivered/{message_id}/deliver",
    }


async def test_every_schema_that_openapi_names_is_in_it(site):
    document = (await site.http.get("/openapi.json")).json()
    names = document["components"]["schemas"].keys()

    def references(value):
        if isinstance(value, dict):
            if "$ref" in value:
                yield value["$ref"]
            for each in value.values():
                yield from references(each)
        elif isinstance(value, list):
            for each in value:
                yield from references(each)

    assert {each.removeprefix("#/components/schemas/") for each in references(document)} <= names


async def test_answers_have_the_shapes_that_openapi_gives(site):
    from engine.web import shapes

    await site.submit("greet", {"name": "nobody"}, "r1")
    task = (await site.http.get("/v1/processes/greet/tasks/r1?history=1")).json()
    processes = (await site.http.get("/v1/processes")).json()
    problem = (await site.http.get("/v1/processes/nope")).json()

    assert shapes.Task.model_validate(task).model_dump().keys() == task.keys()
    assert shapes.Visit.model_validate(task["history"][0]).model_dump().keys() == (
        task["history"][0].keys()
    )
    shown = shapes.ProcessList.model_validate(processes).model_dump(by_alias=True)
    assert shown == processes
    assert shapes.Problem.model_validate(problem).detail == problem["detail"]


async def test_there_is_a_page_about_the_api(site):
    page = await site.http.get("/docs")

    assert page.status_code == 200
    links = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert links == ["data:,", "docs/swagger-ui.css", "docs/swagger-ui-bundle.js", "docs/start.js"]
    style, script, start = [await site.http.get(f"/{link}") for link in links[1:]]
    assert style.headers["content-type"].startswith("text/css")
    assert ".swagger-ui" in style.text
    assert script.headers["content-type"].startswith("text/javascript")
    assert "SwaggerUIBundle" in script.text
    assert '"openapi.json"' in start.text


async def test_the_page_about_the_api_asks_nobody_else(site):
    """The browser itself keeps the page from it: https://www.w3.org/TR/CSP3/."""
    page = await site.http.get("/docs")
    start = await site.http.get("/docs/start.js")

    rules = dict(
        rule.split(maxsplit=1) for rule in page.headers["content-security-policy"].split("; ")
    )
    assert rules["default-src"] == "'none'"
    assert (rules["script-src"], rules["connect-src"]) == ("'self'", "'self'")
    assert "//" not in page.text + start.text


async def test_the_front_page_says_what_runs_here(site):
    await site.submit("wait", ref="r1")
    page = await site.http.get("/")

    assert page.headers["content-type"].startswith("text/html")
    assert "Greet &lt;everybody&gt;" in page.text
    for link in ("/docs", "/openapi.json", "/metrics", "/health"):
        assert f'href="{link}"' in page.text
    assert "http://" not in page.text
    assert "https://" not in page.text


async def test_metrics_are_what_prometheus_reads(site):
    from prometheus_client.parser import text_string_to_metric_families

    await site.submit("wait", ref="r1")
    await site.submit("greet", {"name": "Ada"})
    response = await site.http.get("/metrics")

    samples = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert samples["conveyor_tasks_created_total",] == 2
    assert samples["conveyor_tasks_standing", "by_ref", "wait"] == 1
    assert samples["conveyor_node_in_total", "done", "greet"] == 1
    assert samples["conveyor_node_out_total", "greet", "start"] == 1
    assert samples["conveyor_requests_waiting",] == 0
    assert samples["conveyor_ready",] == 1


async def test_health_and_readiness_are_told_apart(workspace):
    health = await ask(workspace, "GET", "/health")
    ready = await ask(workspace, "GET", "/ready")
    unready = await ask(SimpleNamespace(settings=Settings(), is_ready=False), "GET", "/ready")

    assert (health[0], health[2]) == (200, b'{"status":"ok"}')
    assert (ready[0], ready[2]) == (200, b'{"ready":true}')
    assert (unready[0], unready[2]) == (503, b'{"ready":false}')


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/processes/p/tasks", b"{}"),
        ("GET", "/v1/processes", b""),
        ("POST", "/api/1/json/callback/a/b", b"{}"),
        ("POST", "/api/1/json/plugins/twilio/1/a/b", b"MessageSid=SM1"),
    ],
)
async def test_a_fault_of_ours_is_500_without_details_and_logged(method, path, body, caplog):
    broken = BrokenWorkspace(ValueError("s3cret"))

    status, headers, answered = await ask(broken, method, path, body=body)

    assert (status, headers[b"content-type"]) == (500, b"application/problem+json")
    assert b"s3cret" not in answered
    logged = [each for each in caplog.records if each.levelno >= logging.ERROR]
    assert [each.getMessage() for each in logged] == [f"{method} {path} broke"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/processes/p/tasks"),
        ("GET", "/v1/processes"),
        ("POST", "/api/1/json/callback/a/b"),
        ("POST", "/api/1/json/plugins/twilio/1/a/b"),
    ],
)
async def test_a_database_that_does_not_answer_is_503(method, path):
    broken = BrokenWorkspace(StoreUnavailable("the disk is full"))

    status, headers, body = await ask(broken, method, path, body=b"")

    assert (status, headers[b"retry-after"]) == (503, b"1")
    assert b"the disk is full" in body


async def test_nothing_that_is_sent_makes_the_engine_break(workspace):
    chance = random.Random(11)
    plain, twilio = (
        url[url.index("/api/") :]
        for url in (
            workspace.callback_url("wait", "by_ref"),
            workspace.callback_url("sms", "callback", "twilio"),
        )
    )
    tasks = "/v1/processes/wait/tasks"
    paths = [tasks, f"{tasks}/r1", f"{tasks}/r1/rerun", plain, twilio, "/v1/undelivered"]
    paths += ["/", "//", "/v1", "/docs", "/%", "/%00", f"{tasks}/%FF%00", f"{tasks}/{'x' * 5000}"]
    queries = ["", "?wait=0", "?wait=x", "?limit=5&after=%00", "?since=-1", "?history=maybe", "?%"]
    bodies = [b"", b"{}", b"[]", b"null", b"[{}]", b"\x00", b"a=1&b=%FF", b'{"ref":"r1"}']
    bodies += [b'{"data":{"order":{"ref":"r1"}}}', b'{"order":{"ref":"\\u0000"}}', b"MessageSid=S"]
    bodies += [b'{"ref":"' + b"r" * 300 + b'"}', b'{"data":{"n":1e400}}', b'{"data":{"":1}}']
    types = [
        b"",
        b"application/json",
        b"application/x-www-form-urlencoded",
        b"application/x-ndjson",
    ]
    methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"]

    seen = set()
    app = create_app(workspace)
    for _ in range(5000):
        asked = (chance.choice(methods), chance.choice(paths) + chance.choice(queries))
        headers = [(b"content-type", chance.choice(types))]
        body = chance.choice(bodies)
        status, _, _ = await ask(workspace, *asked, headers=headers, body=body, app=app)
        seen.add((status, asked if status >= 500 else ()))

    assert {status for status, _ in seen if status >= 500} == set(), seen
    assert {200, 201, 400, 404, 405, 422} <= {status for status, _ in seen}


async def test_a_worker_answers_only_those_who_watch_it():
    worker = BrokenWorkspace(ValueError())
    worker.settings = Settings(role=Role.WORKER)
    worker.is_ready = True

    asked = [("GET", "/health"), ("GET", "/ready"), ("GET", "/v1/processes"), ("GET", "/")]
    asked += [("POST", "/v1/processes/p/tasks"), ("POST", "/api/1/json/callback/a/b")]
    answers = [await ask(worker, method, path, body=b"{}") for method, path in asked]

    assert [status for status, _, _ in answers] == [200, 200, 404, 404, 404, 404]
    assert b"--role api" in answers[-1][2]
