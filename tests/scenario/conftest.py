"""The stage on which the SMS processes are played."""

import asyncio

import pytest
from sms_stage import Stage, make_database
from sms_twilio import Script


@pytest.fixture(scope="session")
def database(tmp_path_factory):
    """A database file with the processes in force."""
    file = tmp_path_factory.mktemp("processes") / "engine.db"
    asyncio.run(make_database(file))
    return file


@pytest.fixture
def twilio():
    return Script()


@pytest.fixture
async def stage(tmp_path, database, twilio):
    """A running engine whose Twilio answers by a script."""
    stage = Stage(tmp_path, database, twilio)
    await stage.open()
    yield stage
    await stage.close()
