"""``insightly serve``: webhooks, and a gateway to Insightly. Knows nothing of Singer."""
