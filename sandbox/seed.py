"""What a fresh sandbox holds. The same ids and secrets at every start."""

from __future__ import annotations

from .directory import CONSUMERS, Account, Client, Directory, Tenant

TENANT = Tenant("c0a7050e-1111-4222-8333-444455556666", "contoso.example")
REDIRECT_URI = "http://localhost:8069/mail_server_oauth2/callback"

MICROSOFT_CLIENT = "5a4db0c5-0001-4000-8000-000000000001"
MICROSOFT_SINGLE_TENANT_CLIENT = "5a4db0c5-0002-4000-8000-000000000002"
GOOGLE_CLIENT = "100000000001-sandbox.apps.googleusercontent.com"

DELEGATED_PERMISSIONS = [
    "https://outlook.office.com/SMTP.Send",
    "https://outlook.office.com/IMAP.AccessAsUser.All",
    "Mail.Send",
    "Mail.Send.Shared",
    "Mail.Read",
    "Mail.ReadWrite",
    "Mail.ReadWrite.Shared",
    "User.Read",
]


def seed(directory: Directory) -> None:
    """Fill an empty directory with tenants, accounts and clients."""
    directory.tenants += [TENANT, Tenant(CONSUMERS, "outlook.example")]
    directory.accounts += _microsoft_accounts() + _google_accounts()
    for client in _clients():
        directory.clients[client.client_id] = client


def _microsoft_accounts() -> list[Account]:
    shared = ["invoices@contoso.example"]

    def member(name, full_name, **fields):
        address = f"{name}@contoso.example"
        return Account("microsoft", address, full_name, TENANT.id, **fields)

    return [
        member("erp", "Erin Rhodes", send_as=list(shared), full_access=list(shared)),
        member("anna", "Anna Admin", administrator=True),
        member("bert", "Bert Boekhouder", send_as=list(shared), full_access=list(shared)),
        member("invoices", "Invoices", signs_in=False),
        member("nolicence", "Nora Nolicence", mailbox=False),
        Account("microsoft", "pat@outlook.example", "Pat Personal", CONSUMERS),
    ]


def _google_accounts() -> list[Account]:
    domain = "northwind.example"
    return [
        Account("google", f"erp@{domain}", "Erin Rhodes", domain, aliases=[f"sales@{domain}"]),
        Account("google", f"gina@{domain}", "Gina Green", domain),
        Account("google", "gus@gmail.example", "Gus Gmail"),
    ]


def _clients() -> list[Client]:
    return [
        Client(
            "microsoft",
            MICROSOFT_CLIENT,
            secret="sbx8Q~sandbox-microsoft-secret-value-001",
            secret_id="5a4db0c5-aaaa-4000-8000-00000000000a",
            redirect_uris=[REDIRECT_URI],
            public=True,
            tenant=TENANT.id,
            permissions=list(DELEGATED_PERMISSIONS),
        ),
        Client(
            "microsoft",
            MICROSOFT_SINGLE_TENANT_CLIENT,
            name="Odoo (single tenant)",
            secret="sbx8Q~sandbox-microsoft-secret-value-002",
            secret_id="5a4db0c5-bbbb-4000-8000-00000000000b",
            redirect_uris=[REDIRECT_URI],
            audience="single",
            tenant=TENANT.id,
            permissions=list(DELEGATED_PERMISSIONS),
        ),
        Client(
            "google",
            GOOGLE_CLIENT,
            secret="GOCSPX-sandbox-google-secret",
            redirect_uris=[REDIRECT_URI],
            tenant="northwind.example",
        ),
    ]
