"""msal's token cache as it is kept from one refresh to the next."""

from __future__ import annotations

import contextlib
import json

import msal

from .base import Grant

#: Marks, beside msal's own entries, that a public client got the grant: it sent no secret,
#: and must not send one later.
_PUBLIC_CLIENT = "public_client"


def open_cache(cache) -> tuple[msal.SerializableTokenCache, bool]:
    """Return msal's cache, and whether a public client got the grant in it.

    Anything that no sign-in ever stored opens as an empty cache.
    """
    content = {}
    with contextlib.suppress(TypeError, ValueError):
        content = json.loads(cache)
    if not isinstance(content, dict):
        content = {}
    is_public = content.pop(_PUBLIC_CLIENT, False) is True
    token_cache = msal.SerializableTokenCache()
    token_cache.deserialize(json.dumps(content))
    return token_cache, is_public


def pack_grant(token_cache, tokens, *, is_public=False, **fields) -> Grant:
    """Pack the cache without what the caller gets anyway or nobody needs again.

    :param tokens: the access token of each resource
    :param fields: further fields of :class:`Grant`
    """
    kinds = msal.TokenCache.CredentialType
    for entry in _entries(token_cache, kinds.ACCESS_TOKEN):
        token_cache.remove_at(entry)
    for entry in _entries(token_cache, kinds.ID_TOKEN):
        token_cache.remove_idt(entry)
    content = json.loads(token_cache.serialize())
    if is_public:
        content[_PUBLIC_CLIENT] = True
    scopes = dict.fromkeys(scope for token in tokens.values() for scope in token.scopes)
    return Grant(json.dumps(content), tokens=tokens, scopes=tuple(scopes), **fields)


def refresh_tokens(token_cache) -> list[str]:
    """Return the refresh tokens in msal's cache."""
    kind = msal.TokenCache.CredentialType.REFRESH_TOKEN
    return [entry["secret"] for entry in _entries(token_cache, kind)]


def _entries(token_cache, kind):
    return list(token_cache.search(kind))
