"""``python -m fst`` is ``fst``."""

import signal

# until the command line is read there is nothing to clean up
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from fst.interfaces.cli import main

main()
