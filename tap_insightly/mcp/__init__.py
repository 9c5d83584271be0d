"""Tools for assistants: Insightly over the Model Context Protocol. Knows nothing of Singer."""
