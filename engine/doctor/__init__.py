"""The examination of an engine's database, settings and machine; nothing is changed by it."""

from engine.doctor.examination import Examined, examine
from engine.doctor.finding import Finding, Severity

__all__ = ["Examined", "Finding", "Severity", "examine"]
