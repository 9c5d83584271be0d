"""Many accounts at once, each an Insightly of its own on this machine. Run by ``make fleet``."""
