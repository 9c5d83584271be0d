"""What writes have replaced: written down, and put back."""
