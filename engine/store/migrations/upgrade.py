"""Runs the migrations that a database lacks, by Alembic. Needs no `alembic.ini`."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

FOLDER = Path(__file__).parent


def known() -> frozenset[str]:
    """Gives the revisions that this engine knows."""
    directory = ScriptDirectory.from_config(_config())
    return frozenset(script.revision for script in directory.walk_revisions())


def upgrade(connection: Connection) -> None:
    """Runs what is missing, in the transaction that is open."""
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _config() -> Config:
    config = Config()
    # '%' begins a variable there.
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    return config
