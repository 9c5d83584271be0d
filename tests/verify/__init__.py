"""Comparing an account with a warehouse."""
