"""The configuration file, and the accounts in it."""
