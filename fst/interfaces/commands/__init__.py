"""What users type, one module a command; each has a ``main`` that returns the exit status."""
