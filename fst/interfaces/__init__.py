"""How one talks to fst: Python, the command line."""
