"""Tools for trying processes out: the Twilio simulator."""
