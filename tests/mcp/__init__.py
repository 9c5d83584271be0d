"""Tools for assistants: what they answer, what they write, and how they are served."""
