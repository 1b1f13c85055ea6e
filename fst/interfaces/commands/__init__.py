"""What users have done, one module a command.

Each has a ``main`` that takes what was typed (:mod:`fst.interfaces.arguments`) and returns the exit
status.
"""
