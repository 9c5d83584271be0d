"""The target: what comes in through it is in Insightly then."""
