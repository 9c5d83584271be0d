"""What arrives in a destination, held against the source, row by row and column by column."""
