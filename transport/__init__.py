"""One SMTP or Graph session: bytes out, typed outcome back. Knows no Odoo."""

from __future__ import annotations

from .delivery import SubmissionResult
from .session import MailSession

__all__ = ["MailSession", "SubmissionResult", "open_mail_session"]


def open_mail_session(
    transport: str,
    *,
    provider: str,
    mailbox: str,
    account: str,
    get_token,
    connect,
    host: str,
    port: int,
    api_url: str,
    max_recipients: int = 0,
    read_write: bool = False,
) -> MailSession:
    """Return an unconnected session of a transport.

    :param transport: ``smtp`` or ``graph``, see :data:`..providers.SERVER_TYPES`
    :param provider: code of the provider, whose manners the replies are read by
    :param mailbox: address that mail is sent from
    :param account: address that signed in
    :param get_token: see :class:`MailSession`
    :param connect: makes the SMTP connection (SMTP only)
    :param host, port: where ``connect`` goes to (SMTP only)
    :param api_url: host of the API (Graph only)
    :param max_recipients: see :class:`MailSession`
    :param read_write: the tokens carry the permission to read and write mail (Graph only),
        see :meth:`..providers.ServerType.resource_for`
    """
    common = {"mailbox": mailbox, "get_token": get_token, "max_recipients": max_recipients}
    # Imported late: a form that shows a server needs neither smtplib nor requests.
    if transport == "graph":
        from .graph import GraphSession

        return GraphSession(api_url=api_url, account=account, read_write=read_write, **common)
    from .smtp import SmtpSession

    return SmtpSession(connect=connect, provider=provider, host=host, port=port, **common)
