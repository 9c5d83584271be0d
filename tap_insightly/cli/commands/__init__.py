"""The commands of `insightly`, one module each."""
