"""What the tap makes of webhooks."""
