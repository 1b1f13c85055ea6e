"""What can be typed, one module a command; each has a ``parser``.

Nothing here imports torch or what else takes seconds: ``--help`` and mistakes are answered at once.
What is done then is in the module of :mod:`fst.interfaces.commands` of the same name.
"""
