"""Servers that cannot be trusted, read over HTTP by the tap as a process, as its users have it."""
