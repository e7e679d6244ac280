"""The identity providers, and which type of outgoing mail server uses which of them.

Importing this package loads neither an OAuth library nor ``requests``: the first provider that
is made does.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

from .base import (
    AccessToken,
    AppRegistration,
    DeviceSignIn,
    Grant,
    Identity,
    Provider,
    SignIn,
    TokenContents,
)

__all__ = [
    "DEVICE_CODE_PROVIDERS",
    "PROVIDERS",
    "SERVER_TYPES",
    "UNUSED_GRANT_DAYS",
    "AccessToken",
    "AppRegistration",
    "DeviceSignIn",
    "Grant",
    "Identity",
    "Limits",
    "Provider",
    "ServerType",
    "SignIn",
    "TokenContents",
    "provider_for",
]


@dataclass(frozen=True)
class Limits:
    """What a provider lets one mailbox send; 0 stands for no limit that is known.

    :param per_minute: messages in a minute
    :param per_day: messages in 24 hours
    :param recipients_per_day: recipients in 24 hours
    :param recipients_per_message: recipients of one envelope
    """

    per_minute: int = 0
    per_day: int = 0
    recipients_per_day: int = 0
    recipients_per_message: int = 0


#: https://learn.microsoft.com/office365/servicedescriptions/exchange-online-service-description/exchange-online-limits
_EXCHANGE_SMTP = Limits(per_minute=30, recipients_per_day=10_000, recipients_per_message=500)
#: The same mailbox by another way in, whose rate only its 429 tells.
_EXCHANGE_GRAPH = Limits(recipients_per_day=10_000, recipients_per_message=500)
#: https://support.google.com/a/answer/166852 (a paid Workspace account, over SMTP)
_GMAIL_SMTP = Limits(per_day=2_000, recipients_per_day=10_000, recipients_per_message=100)


@dataclass(frozen=True)
class ServerType:
    """A way out for mail: who signs in, for which resource, over which transport.

    :param code: selection value of ``ir.mail_server.smtp_authentication``
    :param provider: key of :data:`PROVIDERS`
    :param resource: what access tokens are asked for, a key of :attr:`Grant.tokens`
    :param transport: ``smtp`` or ``graph``
    :param shared_resource: the same for a mailbox that another account signs in for, where
        that takes more permissions
    :param read_write_resource, shared_read_write_resource: the same with the permission to read
        and write mail, where the transport has a use for it: mail too large for one request,
        and looking up whether a mail was sent
    :param limits: what a server of this type keeps to unless somebody changes it
    """

    code: str
    provider: str
    resource: str
    transport: str
    shared_resource: str = ""
    read_write_resource: str = ""
    shared_read_write_resource: str = ""
    limits: Limits = Limits()

    def resource_for(self, *, shared: bool, read_write: bool = False) -> str:
        """Return the resource to ask a token for.

        :param shared: another account than the mailbox's own signs in
        :param read_write: with the permission to read and write mail, where there is such a
            resource
        """
        sending = (shared and self.shared_resource) or self.resource
        if not read_write:
            return sending
        return (shared and self.shared_read_write_resource) or self.read_write_resource or sending

    def allows_read_write(self, scopes: str, *, shared: bool) -> bool:
        """Tell whether granted permissions, divided by blanks, let mail be read and written."""
        wanted = "mail.readwrite.shared" if shared else "mail.readwrite"
        granted = {scope.rpartition("/")[2].lower() for scope in scopes.split()}
        return bool(self.read_write_resource) and wanted in granted


#: The server types of this addon by code. No other place knows what they are made of.
SERVER_TYPES = {
    server_type.code: server_type
    for server_type in (
        ServerType(
            "oauth2_microsoft_smtp",
            "microsoft",
            resource="smtp",
            transport="smtp",
            limits=_EXCHANGE_SMTP,
        ),
        ServerType(
            "oauth2_microsoft_graph",
            "microsoft",
            resource="graph",
            transport="graph",
            shared_resource="graph_shared",
            read_write_resource="graph_read_write",
            shared_read_write_resource="graph_shared_read_write",
            limits=_EXCHANGE_GRAPH,
        ),
        ServerType(
            "oauth2_google_smtp",
            "google",
            resource="smtp",
            transport="smtp",
            limits=_GMAIL_SMTP,
        ),
    )
}

#: Provider code: module and class.
PROVIDERS = {
    "microsoft": (".microsoft", "MicrosoftProvider"),
    "google": (".google", "GoogleProvider"),
}

#: Providers where people can sign in on another device than the one that Odoo is open on.
#: Google forbids it for mail:
#: https://developers.google.com/identity/protocols/oauth2/limited-input-device#allowedscopes
DEVICE_CODE_PROVIDERS = frozenset({"microsoft"})

#: Days after which a provider drops a refresh token that nobody used.
#: https://learn.microsoft.com/entra/identity-platform/refresh-tokens (90 days)
#: https://developers.google.com/identity/protocols/oauth2 (six months)
UNUSED_GRANT_DAYS = {"microsoft": 90, "google": 180}


def provider_for(code: str, app: AppRegistration, **kwargs) -> Provider:
    """Return the provider ``code`` for an app registration.

    :param kwargs: ``session`` and ``now`` of :class:`Provider`
    :raises KeyError: there is no such provider
    :raises ConfigurationError: the app registration cannot be used as it is
    """
    module, name = PROVIDERS[code]
    return getattr(import_module(module, __name__), name)(app, **kwargs)
