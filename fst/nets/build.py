"""``python -m fst.nets.build``: compiles what makes convolutions faster, for this machine and user.

It takes a second, once. From then on fst uses it in bf16 (:mod:`fst.nets.winograd`).
"""

import sys

from fst.errors import InputError
from fst.nets.winograd import SOURCE
from fst.system.compiled import build


def main() -> int:
    """Builds the library, if it is not there, and says where it lies.

    Returns:
        The exit status: 1 where it can't be built, which one line on the error output explains.
    """
    try:
        print(build(SOURCE))
    except InputError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
