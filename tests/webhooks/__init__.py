"""Webhooks: what deliveries say, how they are kept, and that none is lost."""
