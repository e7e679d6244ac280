"""What a diagnosis looks at, in order, and what each check builds on."""

from dataclasses import dataclass

from ..exceptions import MailOAuth2Error

#: How a server's mail leaves: over SMTP or Graph with OAuth2, with user name and password, or in
#: a way that belongs to another module.
SMTP, GRAPH, PASSWORD, FOREIGN = "smtp", "graph", "password", "foreign"

_OAUTH2 = frozenset({SMTP, GRAPH})
_MAIL_SERVER = frozenset({SMTP, PASSWORD, FOREIGN})
_ALL = _OAUTH2 | _MAIL_SERVER


@dataclass(frozen=True)
class Step:
    """One check: the method ``_check_<name>`` of ``mail.oauth2.diagnosis``.

    :param section: heading it stands under
    :param needs: checks without which this one would tell nothing; those that a way of sending
        does not have count as passed
    :param ways: ways of sending that it is made for
    """

    name: str
    section: str
    needs: tuple[str, ...] = ()
    ways: frozenset[str] = _ALL


STEPS = (
    Step("registration", "settings", ways=_OAUTH2),
    Step("client_secret", "settings", needs=("registration",), ways=_OAUTH2),
    Step("redirect_uri", "settings", needs=("registration",), ways=_OAUTH2),
    Step("sender", "settings"),
    Step("mail_queue", "settings"),
    Step("sign_in_name", "sign_in", needs=("registration",), ways=_OAUTH2),
    Step("sign_in_port", "sign_in", needs=("sign_in_name",), ways=_OAUTH2),
    Step("sign_in_certificate", "sign_in", needs=("sign_in_port",), ways=_OAUTH2),
    Step("clock", "sign_in", needs=("sign_in_certificate",), ways=_OAUTH2),
    Step("token", "sign_in", needs=("sign_in_certificate",), ways=_OAUTH2),
    Step("token_contents", "sign_in", needs=("token",), ways=_OAUTH2),
    Step("mail_name", "mail"),
    Step("mail_port", "mail", needs=("mail_name",)),
    Step("mail_certificate", "mail", needs=("mail_port",)),
    Step("methods", "mail", needs=("mail_certificate",), ways=_MAIL_SERVER),
    Step("mailbox", "mail", needs=("mail_certificate", "methods", "token")),
    Step("send_as", "mail", needs=("mailbox",)),
)

STEPS_BY_NAME = {step.name: step for step in STEPS}

#: outcomes that let the following checks go on
GOOD_ENOUGH = ("passed", "warning")


def steps_for(way):
    """Return the checks of a way of sending."""
    return [step for step in STEPS if way in step.ways]


@dataclass(frozen=True)
class Finding:
    """What a check found that did not fail.

    :param summary: one line for people
    :param problem: what they should look at although it works: a warning
    :param warning: the same in words where no error stands for it
    """

    summary: str
    problem: MailOAuth2Error | None = None
    warning: str = ""

    @property
    def outcome(self):
        return "warning" if self.problem or self.warning else "passed"


class NotTriedError(Exception):
    """A check has nothing to look at here.

    :param reason: why, in words
    """

    def __init__(self, reason):
        super().__init__(reason)
        self.reason = reason
