"""A served engine."""

import pytest
from web_site import close_site, open_site, open_workspace


@pytest.fixture
async def site(tmp_path):
    site = await open_site(tmp_path)
    yield site
    await close_site(site)


@pytest.fixture
async def open_other(tmp_path):
    """Opens sites with other settings."""
    opened = []

    async def open_with(**settings):
        opened.append(await open_site(tmp_path, **settings))
        return opened[-1]

    yield open_with
    for site in opened:
        await close_site(site)


@pytest.fixture
async def workspace(tmp_path):
    """A workspace that nobody serves."""
    workspace = await open_workspace(tmp_path)
    yield workspace
    await workspace.stop()
