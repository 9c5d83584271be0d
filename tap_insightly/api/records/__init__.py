"""Objects, fields and records by name, and what to send to write them."""
