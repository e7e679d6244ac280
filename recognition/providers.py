"""Whose text it is."""

from __future__ import annotations

import re

MICROSOFT, GOOGLE = "microsoft", "google"

_HINTS = {
    MICROSOFT: re.compile(
        r"AADSTS|microsoft|office ?365|outlook|exchange|entra|azure|STOREDRV|windows\.net|aka\.ms"
        r"|trace[ _]id|correlation[ _]id",
        re.IGNORECASE,
    ),
    GOOGLE: re.compile(
        r"google|gmail|gsmtp|gserviceaccount|_rapt\b|Invalid JWT|Invalid email or User ID"
        r"|Token has been expired or revoked",
        re.IGNORECASE,
    ),
}


def providers_in(text: str) -> set[str]:
    """Return the providers that a text names; empty where it names none."""
    return {provider for provider, hint in _HINTS.items() if hint.search(text)}


def only_provider_in(text: str) -> str:
    """Return the one provider that a text names, ``""`` where it is none or both."""
    named = providers_in(text)
    return named.pop() if len(named) == 1 else ""
