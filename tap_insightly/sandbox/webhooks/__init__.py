"""What a workflow sends when a record was made or changed, and how it gets to its receivers."""
