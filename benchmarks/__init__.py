"""What the tap promises of speed, memory and requests, measured. Run by ``make bench``."""
