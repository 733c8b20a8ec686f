"""Templates: Jinja2 expressions, checked and compiled once to plain functions that keep types."""
