"""PostgreSQL: a server, and as many engines on it as one likes."""
