"""Google's scopes.

https://developers.google.com/workspace/gmail/api/auth/scopes
"""

from __future__ import annotations

MAIL = "https://mail.google.com/"
EMAIL = "https://www.googleapis.com/auth/userinfo.email"
PROFILE = "https://www.googleapis.com/auth/userinfo.profile"
GMAIL = "https://www.googleapis.com/auth/gmail."

SCOPES = {
    "openid": "Associate you with your personal info on Google",
    EMAIL: "See your primary Google Account email address",
    PROFILE: "See your personal info",
    MAIL: "Read, compose, send, and permanently delete all your email from Gmail",
    GMAIL + "send": "Send email on your behalf",
    GMAIL + "compose": "Manage drafts and send emails",
    GMAIL + "modify": "Read, compose, and send emails from your Gmail account",
    GMAIL + "readonly": "View your email messages and settings",
    GMAIL + "settings.basic": "See, edit, create, or change your email settings",
}
#: short names and what Google makes of them
ALIASES = {"email": EMAIL, "profile": PROFILE}
#: never on the list of boxes one can untick
SIGN_IN = ("openid", EMAIL, PROFILE)


def parse_scopes(text: str) -> list[str] | None:
    """Return canonical scopes in the order asked, ``None`` if one is unknown or none is given."""
    names = list(dict.fromkeys(ALIASES.get(name, name) for name in text.split()))
    return names if names and all(name in SCOPES for name in names) else None
