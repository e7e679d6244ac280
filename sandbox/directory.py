"""Who exists: tenants, accounts with their mailboxes, and app registrations (clients)."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass, field, fields

#: tenant of all personal Microsoft accounts
#: https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc
CONSUMERS = "9188040d-6c67-4c5b-b112-36a304b66dad"
SHARED_SEGMENTS = ("common", "organizations", "consumers")


@dataclass(frozen=True)
class Tenant:
    """A Microsoft directory: GUID and its verified domain."""

    id: str
    domain: str


@dataclass
class Account:
    """Somebody (or a shared mailbox) of one provider.

    :param tenant: GUID of the Microsoft tenant; Workspace domain at Google, empty for gmail.com
    :param upn: name to sign in with, where it differs from the address (Microsoft)
    :param mailbox: has a licensed mailbox
    :param signs_in: may sign in; shared mailboxes may not
    :param enabled: an administrator has not disabled the account
    :param aliases: further addresses of the mailbox (Google: verified send-as aliases)
    :param send_as: other mailboxes this account may send as
    :param full_access: other mailboxes this account may open
    """

    provider: str
    address: str
    name: str = ""
    tenant: str = ""
    upn: str = ""
    mailbox: bool = True
    signs_in: bool = True
    enabled: bool = True
    administrator: bool = False
    aliases: list[str] = field(default_factory=list)
    send_as: list[str] = field(default_factory=list)
    full_access: list[str] = field(default_factory=list)

    @property
    def id(self) -> str:
        """Immutable id: ``oid`` at Microsoft, ``sub`` at Google. The same at every start."""
        if self.provider == "google":
            return f"1{int(hashlib.sha256(self.address.encode()).hexdigest(), 16) % 10**20:020d}"
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self.tenant}/{self.address}"))

    @property
    def user_name(self) -> str:
        """Name to sign in with."""
        return self.upn or self.address

    @property
    def personal(self) -> bool:
        """Whether this is a consumer account."""
        return self.tenant in (CONSUMERS, "")

    def answers_to(self, name: str) -> bool:
        """Whether ``name`` is this account's address, user name, or immutable id."""
        return name.lower() in (self.address.lower(), self.user_name.lower(), self.id)


@dataclass
class Client:
    """An app registration (OAuth client).

    :param secret: the value; ``secret_id`` is what people paste by mistake
    :param public: "Allow public client flows" (Microsoft)
    :param audience: ``single`` tenant, ``multi`` tenant, or ``all`` (personal accounts too)
    :param tenant: home tenant (Microsoft)
    :param permissions: delegated permissions on the registration (for ``.default``)
    :param roles: application permissions an administrator granted
    :param mailboxes: mailboxes Exchange lets the app itself use
    :param assignment_required: only ``assigned`` accounts may sign in
    :param status: Google: ``production``, ``testing`` (only ``assigned``), ``internal`` (only
        accounts of ``tenant``), or ``deleted``
    """

    provider: str
    client_id: str
    secret: str = ""
    secret_id: str = ""
    secret_expired: bool = False
    name: str = "Odoo"
    redirect_uris: list[str] = field(default_factory=list)
    public: bool = False
    audience: str = "all"
    tenant: str = ""
    permissions: list[str] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)
    mailboxes: list[str] = field(default_factory=list)
    disabled: bool = False
    assignment_required: bool = False
    assigned: list[str] = field(default_factory=list)
    status: str = "production"


class Directory:
    """All tenants, accounts and clients."""

    def __init__(self):
        self.tenants: list[Tenant] = []
        self.accounts: list[Account] = []
        self.clients: dict[str, Client] = {}

    def tenant(self, segment: str) -> Tenant | None:
        """Return the tenant named by GUID or domain."""
        wanted = segment.lower()
        return next((t for t in self.tenants if wanted in (t.id, t.domain)), None)

    def tenant_of_domain(self, domain: str) -> Tenant:
        """Return the tenant of ``domain``, made when there is none yet."""
        found = self.tenant(domain)
        if found is None:
            found = Tenant(str(uuid.uuid5(uuid.NAMESPACE_DNS, domain)), domain.lower())
            self.tenants.append(found)
        return found

    def find(self, provider: str, name: str) -> Account | None:
        """Return the account whose address, user name or id is ``name``."""
        return next((a for a in self.of(provider) if a.answers_to(name)), None)

    def of(self, provider: str) -> list[Account]:
        """Return the accounts of one provider."""
        return [account for account in self.accounts if account.provider == provider]

    def client(self, provider: str, client_id: str) -> Client | None:
        """Return a client of this provider."""
        client = self.clients.get(client_id)
        return client if client and client.provider == provider else None

    def put_account(self, changes: dict) -> Account:
        """Create or change the account with ``changes['address']``.

        :raises ValueError: unknown provider or field
        """
        provider, address = changes.get("provider", "microsoft"), changes["address"]
        account = self.find(provider, address)
        if account is None:
            account = Account(provider, address, name=address.partition("@")[0].title())
            account.tenant = self._tenant_for(provider, address.rpartition("@")[2])
            self.accounts.append(account)
        _assign(account, changes)
        return account

    def put_client(self, changes: dict) -> Client:
        """Register the client ``changes['client_id']``, or change it.

        ``add_redirect_uris`` adds to those there are.

        :raises ValueError: unknown field, or a provider that does not match
        """
        changes = dict(changes)
        added = changes.pop("add_redirect_uris", [])
        client = self.clients.get(changes["client_id"])
        if client is None:
            client = Client(changes.get("provider", "microsoft"), changes["client_id"])
        _assign(client, changes)
        client.redirect_uris += [uri for uri in added if uri not in client.redirect_uris]
        self.clients[client.client_id] = client
        return client

    def _tenant_for(self, provider: str, domain: str) -> str:
        if provider == "google":
            return "" if domain in ("gmail.com", "gmail.example") else domain
        return self.tenant_of_domain(domain).id


def _assign(target: Account | Client, changes: dict) -> None:
    known = {item.name for item in fields(target)}
    if unknown := set(changes) - known:
        raise ValueError(f"unknown field {min(unknown)!r}")
    if changes.get("provider", target.provider) not in ("microsoft", "google"):
        raise ValueError("provider is microsoft or google")
    for name, value in changes.items():
        setattr(target, name, value)
