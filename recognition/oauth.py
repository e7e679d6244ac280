"""OAuth errors of both providers: numbers of Entra ID, values of ``error``."""

from __future__ import annotations

import re

from ..providers import google_errors, microsoft_errors
from ..providers.oauth_errors import Answer, transient_error
from .finding import Finding, Rank, excerpt, first_of_each
from .providers import GOOGLE, MICROSOFT, providers_in

_NUMBER = re.compile(r"\bAADSTS(\d{4,10})\b")
#: a link of Entra ID's answers; it stands for the number where the text was cut off
_NUMBER_LINK = re.compile(r"/error\?code=(\d{4,10})\b")
#: ``"error": "invalid_grant"``, ``error=invalid_grant``; what follows a blank is a sentence
_ERROR_FIELD = re.compile(r"""(?<![\w-])error["']?\s*(?:=|:\s?)["']?([a-z]+(?:_[a-z]+)+)\b""")
_CALLBACK = re.compile(r"[?&#]error=access_denied\b")
_SUBTYPE = re.compile(r"\b(" + "|".join(sorted(google_errors.SUBTYPES)) + r")\b")

_MEANINGS = {
    MICROSOFT: microsoft_errors.error_from_answer,
    GOOGLE: google_errors.error_from_answer,
}
#: Answers to a program that waits for a device code to be entered. Ours waits on without a word,
#: and Google offers device codes to no mail program.
_WAITING = {
    (MICROSOFT, "authorization_pending"): "entra_authorization_pending",
    (MICROSOFT, "slow_down"): "throttled",
    (GOOGLE, "authorization_pending"): "device_code_not_offered",
}
_TRANSIENT = frozenset({"server_error", "temporarily_unavailable"})
_NAMES = {
    MICROSOFT: microsoft_errors.SIGN_IN_ERRORS
    | microsoft_errors.CONFIGURATION_ERRORS
    | microsoft_errors.DEVICE_CODE_ERRORS,
    GOOGLE: google_errors.SIGN_IN_ERRORS
    | google_errors.ADMIN_ERRORS
    | google_errors.CONFIGURATION_ERRORS
    | google_errors.TRANSIENT_ERRORS,
}
_KNOWN = _TRANSIENT.union({name for _provider, name in _WAITING}, *_NAMES.values())
_NAME = re.compile(r"\b(" + "|".join(sorted(_KNOWN)) + r")\b")


def find(text: str) -> list[Finding]:
    """Return the findings of a reading.

    Where Entra ID gives a number, its ``error`` says nothing more.
    """
    numbers = _numbers(text)
    providers = providers_in(text)
    if numbers:
        return numbers + _names(text, providers & {GOOGLE})
    cancelled = _cancelled(text)
    if cancelled:
        return cancelled
    return _names(text, providers or {MICROSOFT, GOOGLE}) or _unknown_names(text)


def _numbers(text):
    matches = first_of_each(_NUMBER, text) or first_of_each(_NUMBER_LINK, text)
    return [_number(match, text) for match in matches]


def _number(match, text):
    shown = excerpt(text, *match.span())
    if int(match[1]) in microsoft_errors.AADSTS_CODES:
        return Finding(f"aadsts_{match[1]}", Rank.PROVIDER, shown)
    return Finding("aadsts_unknown", Rank.PROTOCOL, shown, {"number": match[1]})


def _cancelled(text):
    """The address that a browser comes back to after a person pressed "Cancel"."""
    match = _CALLBACK.search(text)
    if not match:
        return []
    return [Finding("sign_in_cancelled", Rank.PROTOCOL, excerpt(text, *match.span()))]


def _names(text, providers):
    found = []
    for match in first_of_each(_NAME, text):
        shown = excerpt(text, *match.span())
        for provider in sorted(providers, reverse=True):
            key = _key(match[1], text, provider)
            if key:
                found.append(Finding(key, Rank.PROTOCOL, shown))
    return found


def _key(name, text, provider):
    content = {"error": name}
    if name in _TRANSIENT:
        return transient_error(Answer(400, content)).key
    if name not in _NAMES[provider]:
        return _WAITING.get((provider, name), "")
    subtype = _SUBTYPE.search(text)
    if subtype:
        content["error_subtype"] = subtype[1]
    return _MEANINGS[provider](Answer(400, content)).key


def _unknown_names(text):
    return [
        Finding(
            "oauth_error_unknown",
            Rank.GENERIC,
            excerpt(text, *match.span()),
            {"error": match[1]},
        )
        for match in first_of_each(_ERROR_FIELD, text)
    ]
