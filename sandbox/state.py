"""The whole state of a running sandbox."""

from __future__ import annotations

from dataclasses import dataclass

from .clock import Clock
from .directory import Directory
from .faults import Faults
from .grants import GrantStore
from .listeners import Listener
from .logs import Logs
from .mail import MailStore
from .pace import Pace
from .seed import seed
from .settings import Settings
from .signing import SigningKey


@dataclass(frozen=True)
class Addresses:
    """URLs without a trailing slash, and SMTP ports."""

    host: str
    web: str
    https: str
    microsoft_smtp_port: int
    google_smtp_port: int
    google_smtps_port: int


class World:
    """Everything there is. ``reset`` brings back the state of a fresh start."""

    def __init__(self, addresses: Addresses):
        self.addresses = addresses
        self.signing_key = SigningKey()
        #: by name, as in the control interface; the web page's own is none of them
        self.listeners: dict[str, Listener] = {}
        self.directory = Directory()
        self.reset()

    def reset(self, *, keep_clients: bool = False) -> None:
        """Forget all grants, mail, logs, faults and changes.

        :param keep_clients: leave the registered clients as they are
        """
        clients = self.directory.clients if keep_clients else {}
        self.clock = Clock()
        self.settings = Settings()
        self.directory = Directory()
        seed(self.directory)
        self.directory.clients |= clients
        self.grants = GrantStore(self.clock)
        self.mail = MailStore()
        self.logs = Logs()
        self.faults = Faults()
        self.pace = Pace()
        self.mailboxes = {}
        self.devices = {}
        self.uploads = {}

    def now(self) -> float:
        """Return the sandbox's time in seconds since the epoch."""
        return self.clock.now()
