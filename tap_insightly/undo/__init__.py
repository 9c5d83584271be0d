"""What writes have replaced: how that is written down, and how it is put back."""
