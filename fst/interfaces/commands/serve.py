"""A page to paint photos on, and a service: ``fst serve``."""

import argparse
import logging
import os
import secrets
import threading
import warnings
import webbrowser

from fst.errors import FstWarning
from fst.interfaces.http.settings import ServiceSettings, is_loopback, make_folder
from fst.system.device import pick_device, pick_precision
from fst.system.packages import need

TOKEN = "FST_TOKEN"
"""The variable that holds a token: what stands on a command line all users of a machine can see."""


def main(options: argparse.Namespace) -> int:
    """Serves until it is ended; 130 where that was by ``Ctrl-C``."""
    for module in ("fastapi", "uvicorn", "python_multipart", "prometheus_client"):
        need(module, "web", "fst serve")
    settings = settings_of(options)
    pick_precision(settings.precision, pick_device(settings.device))
    from fst.interfaces.http.app import make_app
    from fst.interfaces.http.server import Server, address, addresses_elsewhere, listen

    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    # what is said to one client is not said here, again and again
    warnings.simplefilter("ignore", FstWarning)
    with listen(settings) as bound:
        make_folder(settings)
        server = Server(make_app(settings))
        where = address(settings, bound)
        asked = "" if settings.token is None else f"?token={settings.token}"
        # a token that was given is known, and what is printed may go into a log that others read
        said = "" if given_token(options) else asked
        print(f"fst serve: {where}{said}  (Ctrl-C ends it)", flush=True)
        for other in addresses_elsewhere(settings, bound):
            print(f"from other machines: {other}{said}", flush=True)
        if not options.no_browser:
            threading.Thread(target=webbrowser.open, args=(where + asked,), daemon=True).start()
        server.run(sockets=[bound])
    return 0


def given_token(options: argparse.Namespace) -> str | None:
    """The token that the command line or the environment says, or None."""
    return options.token or os.environ.get(TOKEN) or None


def settings_of(options: argparse.Namespace) -> ServiceSettings:
    """The settings of a service; a token is made where one is needed and none is given.

    Raises:
        InputError: a value that can't be.
    """
    token = given_token(options)
    proxy = options.allow_host or options.behind_proxy
    if token is None and (proxy or not is_loopback(options.host)):
        token = secrets.token_urlsafe(24)
    same = (
        "host", "port", "checkpoints", "photos", "folder", "max_bytes", "max_pixels", "workers",
        "queue", "per_client", "device", "precision",
    )  # fmt: skip
    return ServiceSettings(
        **{name: getattr(options, name) for name in same},
        token=token,
        allowed_hosts=tuple(name.lower() for name in options.allow_host),
        behind_proxy=options.behind_proxy,
        training=not options.no_training,
    )
