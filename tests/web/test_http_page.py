"""The page about HTTP names every call, kind of error and metric."""

from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from engine import errors
from engine.web.problem import NotFound, WrongMethod

PAGE = (Path(__file__).parents[2] / "docs" / "http.md").read_text(encoding="utf-8")


async def test_every_call_is_on_the_page(site):
    paths = (await site.http.get("/openapi.json")).json()["paths"]
    calls = [f"{method.upper()} {path}" for path, item in paths.items() for method in item]

    assert [call for call in calls if call.startswith(("GET /v1", "POST", "PATCH", "DELETE"))] != []
    assert [call for call in calls if "/v1/" in call and call not in PAGE] == []
    assert [path for path in paths if path not in PAGE] == []


def test_every_error_of_a_request_is_on_the_page():
    raised = [
        each
        for each in (*vars(errors).values(), NotFound, WrongMethod)
        if isinstance(each, type) and issubclass(each, errors.RequestError)
    ]

    assert [each.kind for each in raised if f"`{each.kind}`" not in PAGE] == []


async def test_the_metrics_of_nodes_are_on_the_page(site):
    text = (await site.http.get("/metrics")).text
    names = {each.name for each in text_string_to_metric_families(text)}

    expected = {
        "conveyor_tasks_standing",
        "conveyor_node_in",
        "conveyor_node_out",
        "conveyor_requests_waiting",
        "conveyor_ready",
    }
    assert expected <= names
    assert [name for name in expected if name not in PAGE] == []
