"""`engine deploy`: puts processes into force as new versions."""

from engine.cli.deploying import Keep, Move, Paths, Version, deploying
from engine.cli.run import Database, Json, Processes, Server


def deploy(
    paths: Paths = None,
    *,
    move: Move = None,
    keep: Keep = False,
    version: Version = 0,
    database: Database = None,
    processes: Processes = None,
    server: Server = None,
    json: Json = False,
) -> None:
    """Put processes into force as new versions, or go back to an earlier one.

    Example: [bold]engine deploy[/], and to undo it [bold]engine deploy --version 1 sending-sms[/]
    """
    deploying(
        paths, move, is_rehearsal=False, keep=keep, version=version, database=database,
        processes=processes, server=server, is_json=json,
    )  # fmt: skip
