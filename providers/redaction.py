"""Keep secrets out of what people and logs get to see."""

from __future__ import annotations

import logging
import re

#: Characters of a provider's own words that are kept.
TEXT_LIMIT = 1000

_HIDDEN = "[…]"

# Things that look like a credential, whoever made them. Trace and correlation ids (GUIDs,
# 36 characters) and links stay readable.
_CREDENTIAL = re.compile(
    r"""
      eyJ[\w-]{8,}(?:\.[\w-]*){1,4}        # JSON Web Token or JWE
    | GOCSPX-[\w-]+                        # Google client secret
    | ya29\.[\w.-]+                        # Google access token
    | \b[14]//?0?[\w-]{16,}                # Google refresh token (1//…) and code (4/0…)
    | [\w~.-]{3}\dQ~[\w~.-]{31,34}         # Entra client secret
    | \b[01]\.A[\w.-]{30,}                 # Entra refresh token and code
    | [A-Za-z0-9_+~=-]{40,}                # anything else long and without a break
    """,
    re.VERBOSE,
)

# Things that are secret by what they are called. A bare "code", "state" or "token" is a word of
# many errors, so it counts in an address or a form only, and with a value of some length.
_NAMED_SECRET = re.compile(
    r"""
    (?P<name>
        (?:
            (?<![A-Za-z])(?:client_?secret|secret|password|passwd|pwd|api_?key|session_?id
                |(?:access|refresh|id)_?token|client_assertion|code_verifier|device_code)
                ["']?\s*[:=]\s*["']?
            | \bauthorization["']?\s*[:=]\s*["']?(?:basic\s+|bearer\s+)?
            | \b(?:set-)?cookie["']?\s*[:=]\s*["']?
            | \bAUTH\s+(?:XOAUTH2|OAUTHBEARER|PLAIN|LOGIN)\s+
        )(?=\S)
        |
        (?:
            (?<![\w-])(?:code|state|token|nonce|assertion|session_state|client_info)=
            | \bbearer\s+
        )(?=[^\s"'&<>;,]{8})
    )
    [^\s"'&<>;,]+
    """,
    re.VERBOSE | re.IGNORECASE,
)

#: PostgreSQL stores neither NUL nor a surrogate, and JSON can bring both.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def clean_text(text, *, secrets=()) -> str:
    """Return a provider's words fit to be shown and stored.

    :param text: what the provider sent; anything but a string gives ``""``
    :param secrets: exact values known to be secret, e.g. those sent in the request
    :return: at most :data:`TEXT_LIMIT` characters, no control characters but line feeds
    """
    if not isinstance(text, str):
        return ""
    # A text of megabytes must not keep the patterns below busy.
    text = text[: 4 * TEXT_LIMIT].replace("\r\n", "\n").replace("\r", "\n")
    for secret in secrets:
        if secret:
            text = text.replace(secret, _HIDDEN)
    text = _CONTROL.sub("", hide_credentials(text)).strip()
    return text if len(text) <= TEXT_LIMIT else text[: TEXT_LIMIT - 1] + "…"


def hide_credentials(text: str) -> str:
    """Return a text without what looks like a credential."""
    return _CREDENTIAL.sub(_HIDDEN, text)


def hide_named_secrets(text: str) -> str:
    """Return a text without the values of what is called a password, a token, a cookie, …"""
    return _NAMED_SECRET.sub(rf"\g<name>{_HIDDEN}", text)


class _AboveDebug(logging.Filter):
    """Let nothing pass that is as fine as DEBUG."""

    def filter(self, record):
        return record.levelno > logging.DEBUG


_above_debug = _AboveDebug()


def silence_debug(*logger_names):
    """Drop the DEBUG records of libraries that write tokens into them.

    A filter and not a level, because a level is put back by the next
    ``--log-handler=<library>:DEBUG``.
    """
    for name in logger_names:
        logging.getLogger(name).addFilter(_above_debug)
