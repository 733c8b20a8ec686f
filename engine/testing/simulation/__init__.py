"""A seeded simulation: real engines on virtual time, with faults, judged by what was promised."""
