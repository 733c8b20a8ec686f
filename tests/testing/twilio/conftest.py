"""What the tests of the simulator share."""

import pytest
from twilio_world import World


@pytest.fixture
def world() -> World:
    """The simulator without its server, in virtual time."""
    return World()
