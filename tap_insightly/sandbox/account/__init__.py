"""What is in an account and what goes wrong with it: nothing here knows of requests."""
