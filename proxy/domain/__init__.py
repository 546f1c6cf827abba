"""The meaning of things: pure functions and values, no await, no I/O."""
