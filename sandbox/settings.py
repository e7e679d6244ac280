"""Switches of the sandbox: what the services leave open, or let an administrator choose."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass
class Settings:
    """Every switch with its default; ``docs/sandbox.md`` explains each one."""

    # Entra ID
    revoke_grant_on_reuse: bool = False
    admin_consent_required: bool = False
    access_token_seconds: int = 3599
    full_graph_scopes: bool = False
    # Exchange Online
    smtp_auth_disabled: str = ""
    exchange_challenge: bool = False
    exchange_replaces_message_id: bool = False
    send_from_alias: bool = False
    graph_oversize_status: int = 413
    mailbox_message_bytes: int = 36_700_160
    graph_latency_seconds: float = 0.0
    sent_items_delay_seconds: float = 0.0
    # Google
    google_refresh_rotation: bool = False
    google_admin_policy: bool = False
    gmail_challenge_status: str = "400"
    # Limits; the pace ones are enforced only while ``limits`` is on
    limits: bool = False
    exchange_messages_per_minute: int = 30
    exchange_connections: int = 3
    exchange_recipients_per_message: int = 500
    exchange_recipients_per_day: int = 10_000
    graph_concurrency: int = 4
    graph_requests_per_ten_minutes: int = 10_000
    gmail_recipients_per_message: int = 100
    gmail_messages_per_day: int = 2_000
    gmail_consumer_messages_per_day: int = 500
    gmail_recipients_per_day: int = 10_000
    gmail_logins_per_minute: int = 0

    def update(self, changes: dict) -> None:
        """Change switches by name.

        :raises ValueError: unknown name, or a value of another type than the default
        """
        known = {field.name for field in fields(self)}
        for name, value in changes.items():
            if name not in known:
                raise ValueError(f"unknown setting {name!r}")
            if not _fits(value, getattr(self, name)):
                raise ValueError(f"setting {name!r} wants {type(getattr(self, name)).__name__}")
        for name, value in changes.items():
            setattr(self, name, type(getattr(self, name))(value))


def _fits(value, default) -> bool:
    if isinstance(default, float):
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return type(value) is type(default)
