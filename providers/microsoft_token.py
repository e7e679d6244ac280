"""What can be read in an access token of Entra ID.

It belongs to the service it is for, and so does its form: those of personal accounts are no
JSON Web Tokens, others may be encrypted. What is read here is shown to people and decides
nothing about mail. https://learn.microsoft.com/entra/identity-platform/access-tokens
"""

from __future__ import annotations

from ..exceptions import ConfigurationError, SignInNeededError, SignInRejectedError
from . import id_token
from .base import TokenContents
from .oauth_errors import text_of

# The services' own app IDs, which tokens may carry in place of a host.
# https://learn.microsoft.com/troubleshoot/entra/entra-id/governance/verify-first-party-apps-sign-in
_EXCHANGE = (
    "00000002-0000-0ff1-ce00-000000000000",
    "https://outlook.office.com",
    "https://outlook.office365.com",
)
_GRAPH = ("00000003-0000-0000-c000-000000000000", "https://graph.microsoft.com")


class TokenReading:
    """The part of :class:`.microsoft.MicrosoftProvider` that reads access tokens."""

    def inspect(self, token, *, resource) -> TokenContents:
        """See :meth:`.base.Provider.inspect`; asks nobody."""
        # An answer may leave out what was granted where it is what was asked for (RFC 6749 5.1).
        missing = self._missing(token, resource) if token.scopes else []
        if missing:
            raise SignInNeededError("scope_missing", details={"scopes": " ".join(missing)})
        claims = _claims(token)
        audience = text_of(claims, "aud").rstrip("/")
        self._check_other_service(audience, resource)
        return TokenContents(
            token.scopes,
            account=text_of(claims, "upn") or text_of(claims, "unique_name"),
            audience=audience,
            is_expected=not audience or audience.lower() in self._audiences(resource),
        )

    def _check_other_service(self, audience, resource):
        """Refuse a token for Graph where Exchange is meant, and the other way round.

        What other clouds write there is not documented, so nothing else is refused.
        """
        other = "smtp" if resource.startswith("graph") else "graph"
        found = audience.lower()
        if found in self._audiences(other) and found not in self._audiences(resource):
            raise ConfigurationError("token_wrong_audience", details={"audience": audience})

    def _audiences(self, resource):
        known = {
            "smtp": (self.app.mail_scope_url, *_EXCHANGE),
            "graph": (self.app.api_url, *_GRAPH),
        }["smtp" if resource == "smtp" else "graph"]
        return {name.rstrip("/").lower() for name in known if name}


def _claims(token) -> dict:
    try:
        return id_token.decode_claims(token.value)
    except SignInRejectedError:
        return {}
