"""Our training step and our pass, timed against the usual way."""
