"""``python -m fst`` is ``fst``."""

from fst.interfaces.cli import main

main()
