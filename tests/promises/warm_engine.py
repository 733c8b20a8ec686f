"""Imported once by the process from which engines are forked: what an engine loads is loaded here.

A life of the engine in memory, so that each of the two hundred after it begins in a moment.
"""

import asyncio

from engine.definition import read_definition
from engine.definition.catalog import Catalog
from engine.settings import Settings
from engine.store.sqlite import opening as opening  # noqa: PLC0414 -- a file needs it, memory too
from engine.workspace import Workspace
from tests.promises import killed_engine


async def _live():
    workspace = await Workspace.open(Settings(database="sqlite://"), perform=killed_engine.answered)
    catalog = Catalog.installed()
    definitions = [read_definition(text, "x", catalog)[0] for text in killed_engine.FILES.values()]
    await workspace.deploy(definitions)
    await workspace.start()
    await workspace.submit("order", {"number": 1}, "warm")
    await workspace.stop()


asyncio.run(_live())
