"""SQL statements on databases that the settings name, each in a transaction of its own."""
