"""SQLite: one file, no server, one engine."""
