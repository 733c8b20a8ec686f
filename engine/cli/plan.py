"""`engine plan`: what would a deploy change, and what would become of tasks under way?"""

from engine.cli.deploying import Keep, Move, Paths, Version, deploying
from engine.cli.run import Database, Json, Processes, Server


def plan(
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
    """Say what a deploy would change, and what would become of tasks under way.

    Example: [bold]engine plan processes/sms --move waiting=waiting_for_status[/]
    """
    deploying(
        paths, move, is_rehearsal=True, keep=keep, version=version, database=database,
        processes=processes, server=server, is_json=json,
    )  # fmt: skip
