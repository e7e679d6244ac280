"""The ways to send that the guided setup offers, and the steps that each of them takes."""

from dataclasses import dataclass

#: steps in the order they are walked through; no way takes all of them
STEPS = ("provider", "way", "app", "sign_in", "server", "test", "sender", "done")

_WITH_SIGN_IN = ("provider", "way", "app", "sign_in", "test", "sender", "done")
_WITHOUT_SIGN_IN = ("provider", "way", "server", "test", "sender", "done")

#: port of mail servers among themselves, which direct send and relay connectors use
MAIL_EXCHANGE_PORT = 25


@dataclass(frozen=True)
class Way:
    """One way to send.

    :param provider: whose mail system it is: ``microsoft``, ``google`` or ``other``
    :param server_type: value of ``ir.mail_server.smtp_authentication``
    :param has_password: whether the server asks for user name and password
    :param port: what the server listens on, where we know
    """

    code: str
    provider: str
    server_type: str = "login"
    steps: tuple[str, ...] = _WITHOUT_SIGN_IN
    has_password: bool = False
    port: int = MAIL_EXCHANGE_PORT

    @property
    def signs_in(self):
        """Whether somebody signs in at the provider."""
        return "sign_in" in self.steps


WAYS = {
    way.code: way
    for way in (
        Way("oauth2_microsoft_graph", "microsoft", "oauth2_microsoft_graph", _WITH_SIGN_IN),
        Way("oauth2_microsoft_smtp", "microsoft", "oauth2_microsoft_smtp", _WITH_SIGN_IN),
        Way("direct_send", "microsoft"),
        Way("relay", "microsoft"),
        Way("oauth2_google_smtp", "google", "oauth2_google_smtp", _WITH_SIGN_IN),
        Way(
            "password",
            "other",
            steps=("provider", "server", "test", "sender", "done"),
            has_password=True,
            port=587,
        ),
    )
}

#: the way of a mail system that offers one only
ONLY_WAY = {"other": "password"}
