"""Changes of the schema: forwards only, run when a database is opened.

To change the schema: change `tables.py`, add a module to `versions/` and set `NEWEST`. A test
compares what the migrations build with what `tables.py` says.
"""

NEWEST = "0001"
"""The revision of `tables.py`. Here, so that a database that has it opens without Alembic."""
