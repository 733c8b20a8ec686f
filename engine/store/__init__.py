"""Where tasks are kept: one interface, one module a database."""
