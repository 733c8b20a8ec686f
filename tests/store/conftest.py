"""Every store there is. A new database joins the contract by a new parameter here."""

import pytest

from engine.store.opening import open_store


@pytest.fixture(params=["memory", "file"])
def url(request, tmp_path):
    return {"memory": "sqlite://", "file": f"sqlite:///{tmp_path}/engine.db"}[request.param]


@pytest.fixture
async def store(url):
    opened = await open_store(url)
    yield opened
    await opened.aclose()
