"""The engine of one run: what is read of which stream, in what order, and what its state keeps."""
