"""Callbacks from outside: a provider a file."""
