"""The examples, parameters and links of `docs/http.md` are true, and OpenAPI is valid."""

import json
import re
from pathlib import Path

import pytest

from engine.web import shapes
from engine.web.callbacks.plain import envelope

PAGE = (Path(__file__).parents[2] / "docs" / "http.md").read_text(encoding="utf-8")
EXAMPLES = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]


async def test_every_parameter_of_a_query_is_documented(site):
    paths = (await site.http.get("/openapi.json")).json()["paths"]
    names = {
        parameter["name"]
        for methods in paths.values()
        for call in methods.values()
        for parameter in call.get("parameters", ())
        if parameter["in"] == "query"
    }

    assert {"wait", "history", "since", "plugin"} <= names
    assert [name for name in names if not re.search(rf"`{name}`|\?{name}=", PAGE)] == []


@pytest.mark.parametrize(
    ("node", "plugin", "written"),
    [
        ("by_ref", "", "/api/1/json/callback/{node_id}/{hash}"),
        ("by_id", "twilio", "/api/1/json/plugins/twilio/{conv_id}/{node_id}/{hash}"),
    ],
)
async def test_callback_urls_have_the_form_that_is_documented(site, node, plugin, written):
    path = site.callback_path("wait", node, plugin)
    form = written.replace("{conv_id}", r"\d+").replace("{node_id}", "[0-9a-f]{24}")

    assert re.fullmatch(form.replace("{hash}", "[0-9a-f]{40}"), path)
    assert f"`POST {written}`" in PAGE


def test_every_link_within_the_page_leads_to_a_section():
    headings = {
        re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE)
    }

    assert set(re.findall(r"\(#([^)]+)\)", PAGE)) <= headings


def test_the_example_of_a_task_has_every_key():
    task = next(each for each in EXAMPLES if "task_id" in each)

    assert task.keys() == shapes.Task.model_fields.keys() - {"history", "explanation"}


async def test_the_example_of_a_problem_is_what_is_answered(site):
    shown = next(each for each in EXAMPLES if "type" in each)
    answer = await site.submit("greet", {"nam": "Ada"})

    assert answer.json() == shown


def test_the_envelope_of_a_callback_is_as_documented():
    assert envelope("ok").decode() in PAGE


async def test_openapi_is_valid(site):
    validator = pytest.importorskip("openapi_spec_validator")

    validator.validate((await site.http.get("/openapi.json")).json())
