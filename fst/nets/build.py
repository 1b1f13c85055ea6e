"""``python -m fst.nets.build``: compiles what makes nets faster, for this machine and user.

It takes a second or two, once. From then on fst uses it in bf16: convolutions of its own where
there are no matrix units (:mod:`fst.nets.winograd`), and what lies between convolutions
(:mod:`fst.nets.fused`).
"""

import sys

from fst.errors import InputError
from fst.nets import fused, winograd
from fst.system.compiled import build


def main() -> int:
    """Builds the libraries, if they are not there, and says where they lie.

    Returns:
        The exit status: 1 where one can't be built, which one line on the error output explains.
    """
    try:
        for module in (winograd, fused):
            print(build(module.SOURCE))
    except InputError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
