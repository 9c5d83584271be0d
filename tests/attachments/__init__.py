"""Fetching the contents of attached files."""
