"""Where things lie: the checkout, its scratch folder and the cache shared by all checkouts."""

import os
import threading
from pathlib import Path

ADDON = "mail_server_oauth2"
ROOT = Path(__file__).resolve().parent.parent
RUN = ROOT / ".run"
REQUIREMENTS = ROOT / "requirements"


def cache_dir():
    """Return the folder for downloads and environments, shared by every checkout of the user."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(base) / ADDON
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def logs_dir():
    """Return the folder for the output of long steps."""
    folder = RUN / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def addons_dir():
    """Return a folder in which the checkout is reached under the addon's technical name.

    Odoo takes the name of an addon from its folder, and a checkout may be called anything.
    """
    folder = RUN / "addons"
    folder.mkdir(parents=True, exist_ok=True)
    link, fresh = folder / ADDON, folder / f"{ADDON}.{os.getpid()}.{threading.get_ident()}"
    if not link.is_symlink() or link.resolve() != ROOT:
        fresh.symlink_to(ROOT)
        fresh.replace(link)
    return folder
