"""The command line in a workspace of its own."""

from pathlib import Path

import pytest
from command_line import Engine, write_workspace


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return write_workspace(tmp_path)
