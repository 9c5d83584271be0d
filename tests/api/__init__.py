"""The library that reads and writes: names, values, requests, and what it makes sure of."""
