"""Lists, read whole whatever happens meanwhile."""
