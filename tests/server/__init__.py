"""`insightly serve` as a whole."""
