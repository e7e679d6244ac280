"""Faults: what goes wrong, where, how often.

A fault sits at a *place* (a dotted name; ``graph`` covers ``graph.sendmail``), has a *kind*
and hits ``times`` requests, or all until it is cleared. The places and kinds are listed in
``docs/sandbox.md``.
"""

from __future__ import annotations

import itertools
from dataclasses import asdict, dataclass, field, fields

from .certificates import TLS_FAULTS

KINDS = ("drop", "hang", "slow", "html", "half_json", "reply", "error", *TLS_FAULTS)

HTTP_PLACES = (
    "microsoft.metadata",
    "microsoft.keys",
    "microsoft.authorize",
    "microsoft.token",
    "microsoft.devicecode",
    "microsoft.devicelogin",
    "microsoft.adminconsent",
    "graph.me",
    "graph.users",
    "graph.sendmail",
    "graph.messages",
    "graph.attachments",
    "graph.upload",
    "graph.send",
    "google.authorize",
    "google.token",
    "google.device",
    "google.revoke",
    "google.tokeninfo",
    "google.userinfo",
    "google.certs",
)
SMTP_STAGES = (
    "connect",
    "ehlo",
    "starttls",
    "auth",
    "mail",
    "rcpt",
    "data",
    "body",
    "accepted",
)
SMTP_PLACES = tuple(
    f"{server}.{stage}" for server in ("microsoft_smtp", "google_smtp") for stage in SMTP_STAGES
)
PLACES = HTTP_PLACES + SMTP_PLACES + ("https.tls",)


@dataclass
class Fault:
    """One fault.

    :param times: how many requests it still hits, ``None`` for all until cleared
    :param after: how many matching requests pass unharmed first
    :param processed: the request takes effect before it goes wrong
    :param after_body: the whole request is read before it goes wrong (HTTP)
    :param status: HTTP status, or SMTP reply code for ``reply``
    :param code: AADSTS number or Graph error code (kind ``error``)
    :param error: OAuth ``error``; overrides what ``code`` implies
    :param message: text that replaces the usual one; the body or text of ``reply``
    :param retry_after: value of a ``Retry-After`` header, sent as it is
    :param seconds: for ``slow`` and ``hang``
    :param match: only requests with these values, e.g. ``{"grant_type": "refresh_token"}``,
        ``{"account": "erp@contoso.example"}``, ``{"recipient": "a@example.com"}``
    """

    place: str
    kind: str
    times: int | None = 1
    after: int = 0
    processed: bool = False
    after_body: bool = False
    status: int = 0
    code: str = ""
    error: str = ""
    suberror: str = ""
    message: str = ""
    retry_after: str = ""
    headers: dict = field(default_factory=dict)
    seconds: float = 0.0
    match: dict = field(default_factory=dict)
    id: int = 0
    hits: int = 0

    def applies(self, place: str, circumstances: dict) -> bool:
        """Whether this fault sits at ``place`` and wants a request like this one."""
        if place != self.place and not place.startswith(self.place + "."):
            return False
        return all(_same(circumstances.get(name), value) for name, value in self.match.items())

    def as_dict(self) -> dict:
        """Return it for the API."""
        return asdict(self)


class Faults:
    """The faults that are switched on."""

    def __init__(self):
        self.active: list[Fault] = []
        self._ids = itertools.count(1)

    def add(self, description: dict) -> Fault:
        """Switch a fault on.

        :raises ValueError: unknown place, kind or field
        """
        known = {item.name for item in fields(Fault)} - {"id", "hits"}
        if unknown := set(description) - known:
            raise ValueError(f"unknown field {min(unknown)!r}")
        fault = Fault(**description, id=next(self._ids))
        fault.code, fault.retry_after = str(fault.code), str(fault.retry_after)
        if fault.kind not in KINDS:
            raise ValueError(f"unknown kind {fault.kind!r}; one of {', '.join(KINDS)}")
        if not any(place == fault.place or place.startswith(fault.place + ".") for place in PLACES):
            raise ValueError(f"unknown place {fault.place!r}; one of {', '.join(PLACES)}")
        self.active.append(fault)
        return fault

    def take(self, place: str, kinds=None, **circumstances) -> Fault | None:
        """Return the first fault for this request and use it up by one.

        :param kinds: only these kinds; by default all but those of the TLS handshake
        """
        for fault in self.active:
            wanted = fault.kind in kinds if kinds else fault.kind not in TLS_FAULTS
            if not wanted or not fault.applies(place, circumstances):
                continue
            if fault.after > 0:
                fault.after -= 1
                continue
            return self._use(fault)
        return None

    def tls(self, place: str) -> str | None:
        """Return the certificate fault of the next handshake at ``place``."""
        fault = self.take(place, kinds=TLS_FAULTS)
        return fault.kind if fault else None

    def clear(self, fault_id: int | None = None) -> None:
        """Switch off one fault, or all."""
        self.active = [fault for fault in self.active if fault_id not in (None, fault.id)]

    def _use(self, fault: Fault) -> Fault:
        fault.hits += 1
        if fault.times is not None:
            fault.times -= 1
            if fault.times <= 0:
                self.active = [other for other in self.active if other is not fault]
        return fault


def _same(actual, wanted) -> bool:
    return str(actual or "").lower() == str(wanted).lower()
