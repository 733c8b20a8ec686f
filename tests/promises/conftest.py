"""Engines in virtual time, to make promises about."""

from tests.runtime.conftest import clock, opened

__all__ = ["clock", "opened"]
