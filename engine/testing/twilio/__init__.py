"""A stand-in for Twilio's Messages API, to try processes out without sending anything.

It answers as Twilio answers, calls status callbacks back with Twilio's signature, and misbehaves
on request: the last two digits of the recipient's number choose how (`plans`).
"""

from engine.testing.twilio.server import Simulator, serve
from engine.testing.twilio.settings import SimulatorSettings

__all__ = ["Simulator", "SimulatorSettings", "serve"]
