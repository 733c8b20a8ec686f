"""`/v1/plan` and `/v1/deploy`, as a client sees them."""

import pytest
from web_site import WAIT

CHANGED = WAIT.replace("title: Wait", "title: Wait longer")


def order(text, **more):
    return {"files": [{"file": "wait.yaml", "source": text}], **more}


async def test_a_plan_shows_what_changes_and_changes_nothing(site):
    response = await site.http.post("/v1/plan", json=order(CHANGED))

    (process,) = response.json()["processes"]
    assert (process["version"], process["new_version"], process["change"]) == (1, 2, "changed")
    assert process["keys"] == ["title"]
    assert (await site.http.get("/v1/processes/wait")).json()["version"] == 1


async def test_a_deploy_puts_a_version_into_force(site):
    await site.http.post("/v1/deploy", json=order(CHANGED))
    again = await site.http.post("/v1/deploy", json=order(CHANGED))

    shown = (await site.http.get("/v1/processes/wait")).json()
    assert (shown["version"], shown["title"]) == (2, "Wait longer")
    assert again.json()["processes"][0]["change"] == "unchanged"


async def test_faults_are_told_with_line_and_column(site):
    broken = WAIT.replace("next: which", "next: nowhere")

    response = await site.http.post("/v1/deploy", json=order(broken))

    problem = response.json()
    assert (response.status_code, problem["kind"]) == (422, "definition_error")
    assert problem["faults"][0]["file"] == "wait.yaml"
    assert (problem["faults"][0]["line"], problem["faults"][0]["rule"]) == (5, "unknown-target")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"files": "wait.yaml"}, "$.files"),
        ({"file": []}, "unknown field `file`"),
        ({"files": [{"file": "a"}]}, "missing required field `source`"),
        ({"version": 1}, "none is named"),
        ({"process": "wait", "version": 5}, "no version 5"),
        ([], "Expected `object`"),
    ],
)
async def test_what_is_not_understood_is_refused_with_its_place(site, body, said):
    response = await site.http.post("/v1/deploy", json=body)

    assert response.status_code == 422
    assert said in response.json()["detail"]
