"""Hosts of the providers' clouds. Every value is a preset that an administrator may edit.

Login and Graph hosts:
https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud
https://learn.microsoft.com/graph/deployments

Marks: ``[2nd]`` seen in third-party software only, ``[U]`` unverified.
"""

from __future__ import annotations

from ..exceptions import ConfigurationError

#: The keys of every preset. URLs carry no trailing slash.
FIELDS = ("authority_url", "token_url", "api_url", "mail_scope_url", "smtp_host", "smtp_port")

# https://learn.microsoft.com/exchange/client-developer/legacy-protocols/how-to-authenticate-an-imap-pop-smtp-application-by-using-oauth
_MICROSOFT_WORLDWIDE = {  # also GCC
    "authority_url": "https://login.microsoftonline.com",
    "token_url": "",
    "api_url": "https://graph.microsoft.com",
    "mail_scope_url": "https://outlook.office.com",
    "smtp_host": "smtp.office365.com",
    "smtp_port": 587,
}

_MICROSOFT_US_GOV_HIGH = {
    "authority_url": "https://login.microsoftonline.us",
    "token_url": "",
    "api_url": "https://graph.microsoft.us",
    "mail_scope_url": "https://outlook.office365.us",  # [2nd]
    "smtp_host": "smtp.office365.us",  # [2nd]
    "smtp_port": 587,
}

_MICROSOFT_US_DOD = {
    "authority_url": "https://login.microsoftonline.us",
    "token_url": "",
    "api_url": "https://dod-graph.microsoft.us",
    "mail_scope_url": "https://outlook.office365.us",  # [2nd], doubtful
    "smtp_host": "outlook-dod.office365.us",  # [2nd]
    "smtp_port": 587,
}

_MICROSOFT_CHINA = {  # 21Vianet
    "authority_url": "https://login.partner.microsoftonline.cn",
    "token_url": "",
    "api_url": "https://microsoftgraph.chinacloudapi.cn",
    "mail_scope_url": "https://partner.outlook.cn",  # [2nd], doubtful
    "smtp_host": "smtp.partner.outlook.cn",  # [2nd]; others use partner.outlook.cn
    "smtp_port": 587,
}

# https://developers.google.com/identity/protocols/oauth2/web-server
# https://developers.google.com/workspace/gmail/imap/imap-smtp
_GOOGLE_WORLDWIDE = {
    "authority_url": "https://accounts.google.com",
    "token_url": "https://oauth2.googleapis.com",
    "api_url": "https://www.googleapis.com",
    "mail_scope_url": "https://mail.google.com",
    "smtp_host": "smtp.gmail.com",
    "smtp_port": 587,
}

_PRESETS = {
    "microsoft": {
        "worldwide": _MICROSOFT_WORLDWIDE,
        "us_gov_high": _MICROSOFT_US_GOV_HIGH,
        "us_dod": _MICROSOFT_US_DOD,
        "china": _MICROSOFT_CHINA,
        "custom": _MICROSOFT_WORLDWIDE,
    },
    "google": {
        "worldwide": _GOOGLE_WORLDWIDE,
        "custom": _GOOGLE_WORLDWIDE,
    },
}


def preset(provider: str, cloud: str) -> dict:
    """Return the hosts of a cloud, a fresh dict with the keys of :data:`FIELDS`.

    ``custom`` starts from the worldwide hosts, to be edited.

    :raises ConfigurationError: ``cloud_unknown``
    """
    try:
        return dict(_PRESETS[provider][cloud])
    except KeyError:
        details = {"provider": provider, "cloud": cloud}
        raise ConfigurationError("cloud_unknown", details=details) from None


def clouds_of(provider: str) -> tuple[str, ...]:
    """Return the names of a provider's clouds."""
    return tuple(_PRESETS.get(provider, ()))
