"""A Singer tap for Insightly CRM."""
