"""Changes of the schema: forwards only, run when a database is opened.

To change the schema: change `tables.py`, add a module to `versions/` and set `NEWEST`. A test
compares what the migrations build with what `tables.py` says.
"""

from engine.errors import SchemaTooNew, StoreError

NEWEST = "0008"
"""The revision of `tables.py`. Here, so that a database that has it opens without Alembic."""


def refuse_unknown(revision: str, name: str) -> None:
    """Refuses a schema that this engine has no migrations for.

    Raises:
        SchemaTooNew: it does not know the revision.
    """
    # Alembic takes 0.2 s to import, and a database that is up to date needs none of it.
    from engine.store.migrations.upgrade import known  # noqa: PLC0415

    if revision not in known():
        raise SchemaTooNew(
            f"the database '{name}' has the schema '{revision}', which this engine does"
            f" not know (it knows up to '{NEWEST}')",
            hint="use the engine that wrote it, or a newer one",
        )


def too_old(name: str) -> StoreError:
    """Says that a database can't be read before an engine has changed its schema."""
    return StoreError(
        f"the database '{name}' is older than this engine",
        hint="start the engine on it once: it brings the tables up to date",
    )
