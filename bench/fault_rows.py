"""The rows of the fault table: which fault meets which transport, and what may come of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from . import disturbances
from .judgement import Expected
from .mail_plan import MOST_RECIPIENTS
from .transports import GMAIL, GRAPH, GRAPH_MAY_READ, MICROSOFT_SMTP, Transport

TRANSPORTS = (MICROSOFT_SMTP, GRAPH, GMAIL)
SMTP_TRANSPORTS = (MICROSOFT_SMTP, GMAIL)
GRAPH_TRANSPORTS = (GRAPH,)
#: where a hand-over may end unknown, it matters whether the mailbox can be looked into
BOTH_GRAPHS = (GRAPH, GRAPH_MAY_READ)
ALL_TRANSPORTS = (MICROSOFT_SMTP, GRAPH, GRAPH_MAY_READ, GMAIL)

_OVERLOADED = "Application is over its MailboxConcurrency limit."


@dataclass(frozen=True)
class Fault:
    """What goes wrong in a row.

    :param name: as in the table
    :param switch_on: called with the :class:`~.scene.Scene` before the first run
    :param run: makes one run of the queue; called with scene and number of the run
    :param mend: called once when nothing moves any more: what a person would do
    :param expected: called with the scene, returns :class:`Expected`
    """

    name: str
    transports: tuple[Transport, ...]
    switch_on: Callable = lambda scene: None
    run: Callable = disturbances.undisturbed
    mend: Callable = lambda scene: None
    expected: Callable = lambda scene: Expected()


@dataclass(frozen=True)
class Row:
    """One fault over one transport."""

    fault: Fault
    transport: Transport

    @property
    def name(self):
        return f"{self.fault.name}, {self.transport.name}"


def rows() -> list[Row]:
    """Return all rows, fault by fault."""
    return [Row(fault, transport) for fault in _faults() for transport in fault.transports]


def _faults():
    return [*_token_faults(), *_smtp_faults(), *_graph_faults(), *_troubles_at_home()]


# ------------------------------------------------------------
# THE TOKEN ENDPOINT
# ------------------------------------------------------------


def _token_faults():
    def strikes(kind, times, **options):
        def switch_on(scene):
            scene.lose_token()
            scene.fault(scene.transport.token_place, kind, times=times, **options)

        return switch_on

    def hangs(scene):
        strikes("hang", 2, seconds=scene.patience)(scene)

    return [
        Fault("token endpoint down", TRANSPORTS, strikes("drop", 3)),
        Fault("token endpoint hangs", TRANSPORTS, hangs),
        Fault("token endpoint answers HTML", TRANSPORTS, strikes("html", 3)),
        Fault("refresh refused", TRANSPORTS, _refuse_refresh, mend=_sign_in_after_all),
        Fault("grant revoked in mid-run", TRANSPORTS, _revoke, mend=_sign_in_after_all),
    ]


def _refuse_refresh(scene):
    """Ask for a second factor, which no refresh can bring."""
    scene.lose_token()
    if scene.transport.provider == "google":
        options = {"error": "invalid_grant", "suberror": "invalid_rapt"}
    else:
        options = {"code": 50076}
    refresh = {"grant_type": "refresh_token"}
    scene.fault(scene.transport.token_place, "error", times=None, match=refresh, **options)


def _revoke(scene):
    scene.lose_token()
    scene.sandbox.post("grants/revoke", account=scene.mailbox.address)


def _sign_in_after_all(scene):
    scene.sandbox.clear_faults()
    scene.sign_in_again()


# ------------------------------------------------------------
# SMTP
# ------------------------------------------------------------


def _smtp_faults():
    def at_connecting(stage):
        def switch_on(scene):
            scene.lose_connection()
            # The first connection of the row is a good one.
            scene.fault(stage, "drop", after=1, times=3)

        return Fault(f"dropped at {stage.upper()}", SMTP_TRANSPORTS, switch_on)

    def in_mail(stage, words, **options):
        return Fault(
            f"dropped {words}",
            SMTP_TRANSPORTS,
            lambda scene: scene.strike_apart(stage, "drop", **options),
            expected=_unknown if stage in ("body", "accepted") else lambda scene: Expected(),
        )

    return [
        Fault("connection refused", TRANSPORTS, run=disturbances.refused_connections),
        *(at_connecting(stage) for stage in ("connect", "ehlo", "starttls", "auth")),
        in_mail("mail", "at MAIL"),
        in_mail("rcpt", "at RCPT"),
        in_mail("data", "at DATA"),
        in_mail("body", "within the content"),
        in_mail("accepted", "after the final dot, not delivered"),
        in_mail("accepted", "after the final dot, delivered", processed=True),
    ]


# ------------------------------------------------------------
# GRAPH
# ------------------------------------------------------------


def _graph_faults():
    def fault(name, kind, *, expected=lambda scene: Expected(), **options):
        return Fault(
            name,
            BOTH_GRAPHS if expected is _unknown else GRAPH_TRANSPORTS,
            lambda scene: scene.strike_apart("graph.sendmail", kind, **options),
            expected=expected,
        )

    def error(name, code, **options):
        return fault(name, "error", code=code, **options)

    throttled = {"code": "ApplicationThrottled", "message": _OVERLOADED}
    return [
        error("401", "InvalidAuthenticationToken"),
        error("403 send as", "ErrorSendAsDenied", expected=_refused),
        error("404", "MailboxNotEnabledForRESTAPI"),
        error("413", "RequestEntityTooLarge", expected=_refused),
        fault("429, Retry-After 2.128", "error", retry_after="2.128", **throttled),
        error("429 without Retry-After", "TooManyRequests"),
        error("500, not delivered", "ErrorInternalServerError", expected=_unknown),
        error("503", "ServiceUnavailable"),
        error("504, delivered", "GatewayTimeout", processed=True, expected=_unknown),
        fault("200, not delivered", "reply", status=200, expected=_unknown),
        fault("dropped before the body", "drop", expected=_unknown),
        fault("dropped after the body, not delivered", "drop", after_body=True, expected=_unknown),
        fault("dropped after the body, delivered", "drop", processed=True, expected=_unknown),
    ]


# ------------------------------------------------------------
# ON THIS SIDE
# ------------------------------------------------------------


def _troubles_at_home():
    return [
        Fault(
            "database restarts in mid-run",
            ALL_TRANSPORTS,
            run=disturbances.database_restarts,
            expected=_unknown,
        ),
        Fault("two workers on one queue", TRANSPORTS, run=disturbances.two_workers),
        Fault("kill -9 in mid-run", ALL_TRANSPORTS, run=disturbances.killed, expected=_unknown),
    ]


# ------------------------------------------------------------
# WHAT MAY COME OF IT
# ------------------------------------------------------------


def _refused(scene):
    """Each strike is a hand-over that the provider will not take."""
    return Expected(failed=(scene.strikes, scene.strikes * MOST_RECIPIENTS))


def _unknown(scene):
    """Each strike may leave a hand-over unknown, unless the mailbox can be looked into."""
    most = 0 if scene.transport.may_read else scene.strikes * MOST_RECIPIENTS
    return Expected(unknown=(0, most))
