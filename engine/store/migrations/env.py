"""What Alembic runs: it finds the open connection in the attributes of its configuration."""

from alembic import context

from engine.store.tables import Row

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Row.metadata,
    # One transaction for all of it: SQLite can undo changes of the schema.
    transactional_ddl=True,
)
context.run_migrations()
