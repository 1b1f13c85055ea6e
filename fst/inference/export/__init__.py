"""A style as a file for other runtimes: ``fst export``."""
