"""Undoes what the target has written, from its undo file."""
