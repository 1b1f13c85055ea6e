"""Tools of those who develop fst; imported by commands alone."""
