"""Conveyor: a durable engine for processes drawn as graphs of nodes."""

__version__ = "0.1.0"
