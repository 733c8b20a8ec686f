"""Calls on the outside world: each performs one command and returns one answer."""
