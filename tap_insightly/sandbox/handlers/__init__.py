"""What a request does to an account, and what it is answered."""
