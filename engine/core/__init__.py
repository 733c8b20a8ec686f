"""The pure part: what a task is, what may reach it, how it moves. No I/O, no clock, no chance."""
