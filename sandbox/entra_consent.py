"""Who may use which app registration, and what they agreed to."""

from __future__ import annotations

from .aadsts import EntraError
from .directory import Account, Client
from .entra_scopes import Scope
from .state import World


def check_account(world: World, account: Account, segment: str, client: Client) -> None:
    """Check that this account can use this app here; what is wrong ends on a page.

    :raises EntraError: 50020 wrong directory, 50057 disabled, 50105 not assigned
    """
    if not account.enabled or not account.signs_in:
        raise EntraError(50057)
    allowed = {
        "common": client.audience == "all" or not account.personal,
        "organizations": not account.personal,
        "consumers": account.personal and client.audience == "all",
    }.get(segment, account.tenant == segment)
    if not allowed:
        raise EntraError(
            50020, account=account.user_name, tenant=segment, client_id=client.client_id
        )
    if client.assignment_required and account.address not in client.assigned:
        raise EntraError(50105, name=client.name, client_id=client.client_id)


def missing_consent(world: World, account: Account, client: Client, scopes) -> list[Scope]:
    """Return the scopes nobody agreed to yet, for this account or its whole tenant."""
    agreed = world.grants.consented(account.id, client)
    agreed = agreed | world.grants.consented(account.tenant, client)
    return [scope for scope in scopes if scope.key not in agreed]


def give_consent(world: World, account: Account, client: Client, scopes, for_all=False) -> None:
    """Remember the consent of an account, or of its tenant when an administrator says so."""
    who = account.tenant if for_all and account.administrator else account.id
    world.grants.consented(who, client).update(scope.key for scope in scopes)
