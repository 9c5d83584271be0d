"""Requests: rate limit, quota, retries, and what counts as a response."""
