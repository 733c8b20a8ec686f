"""`docs/http.md` has every route, parameter, key and error, and its examples are true."""

import inspect
import json
import re
from pathlib import Path

import pytest

from engine import errors
from engine.core.batch import Delivery
from engine.core.view import task_view
from engine.web import problem, shapes
from engine.web.callbacks.plain import envelope

PAGE = (Path(__file__).parents[2] / "docs" / "http.md").read_text(encoding="utf-8")
TABLE = PAGE.partition("\n## ")[0]
EXAMPLES = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]
NOT_BY_HTTP = {"definition_error", "settings_error", "waited_in_vain", "unreachable"}
NOT_BY_HTTP |= {"template_error", "store_in_use", "schema_too_new"}


async def paths(site):
    return (await site.http.get("/openapi.json")).json()["paths"]


def kinds():
    found = [*vars(errors).values(), *vars(problem).values()]
    classes = (each for each in found if inspect.isclass(each))
    return {each.kind for each in classes if issubclass(each, errors.EngineError)}


async def test_every_route_is_documented(site):
    written = {
        f"`{method.upper()} {path}`"
        for path, methods in (await paths(site)).items()
        for method in methods
    }

    assert {each for each in written if each not in TABLE} == set()


async def test_every_documented_route_is_there(site):
    written = set(re.findall(r"\[`([A-Z]+) ([^`]+)`\]", TABLE))
    there = {
        (method.upper(), path)
        for path, methods in (await paths(site)).items()
        for method in methods
    }
    callbacks = {(method, path) for method, path in written if path.startswith("/api/")}

    assert written - callbacks == there
    assert len(callbacks) == 2


async def test_documented_callback_paths_are_those_that_are_given_out(site):
    for node, plugin in (("by_ref", ""), ("by_id", "twilio")):
        path = site.callback_path("wait", node, plugin)
        form = re.sub(r"/\d+/[0-9a-f]{24}/", "/{conv_id}/{node_id}/", path)
        form = re.sub(r"/[0-9a-f]{24}/", "/{node_id}/", form)

        assert f"`POST {re.sub('[0-9a-f]{40}$', '{hash}', form)}`" in TABLE


async def test_every_parameter_of_a_query_is_documented(site):
    for methods in (await paths(site)).values():
        for call in methods.values():
            for parameter in call.get("parameters", ()):
                if parameter["in"] == "query":
                    name = parameter["name"]

                    assert re.search(rf"`{name}`|\?{name}=", PAGE), name


def test_every_link_leads_to_a_section():
    headings = {
        re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE)
    }

    assert set(re.findall(r"\(#([^)]+)\)", PAGE)) <= headings


@pytest.mark.parametrize("kind", sorted(kinds() - NOT_BY_HTTP))
def test_every_kind_of_error_is_documented(kind):
    assert f"`{kind}`" in PAGE


def test_the_example_of_a_task_has_every_key():
    task = next(each for each in EXAMPLES if "task_id" in each)

    assert task.keys() == shapes.Task.model_fields.keys() - {"history"}
    assert all(f'"{key}"' in inspect.getsource(task_view) for key in task)


async def test_the_example_of_a_problem_is_what_is_answered(site):
    shown = next(each for each in EXAMPLES if "type" in each)
    answered = (await site.submit("greet")).json()

    text = json.dumps(answered).replace("greet", "order-shipped").replace("name", "order")
    assert json.loads(text) == shown


def test_the_envelope_of_a_callback_is_as_written():
    assert envelope("ok").decode() in PAGE


def test_what_becomes_of_an_undelivered_callback_is_as_written():
    assert f'{{"result": "{Delivery.TAKEN}"}}' in PAGE
    assert f"`{Delivery.KEPT}`" in PAGE


async def test_openapi_is_valid(site):
    validator = pytest.importorskip("openapi_spec_validator")

    validator.validate((await site.http.get("/openapi.json")).json())
