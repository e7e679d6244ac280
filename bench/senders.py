"""Who sends in the comparison: core's own SMTP, and each transport of the addon."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field

from browser import BASE_URL
from office import Office

_SENDER = "somebody@example.com"
#: MiB; Odoo replaces the attachments of larger mails by links
_LARGEST_MAIL = 100
#: The provider's usual limits would be measured instead of the addon.
_NO_LIMITS = {
    "max_email_size": _LARGEST_MAIL,
    "oauth2_per_minute": 0,
    "oauth2_per_day": 0,
    "oauth2_recipients_per_day": 0,
}
#: bytes of a mail besides its text or attachment, and how much base64 and line ends add
_HEADERS, _BASE64 = 1100, 4 / 3 * 78 / 76
#: from here on a mail is made of an attachment
_LARGE = 100_000


@dataclass
class Sender:
    """Queues and sends mails through one server of one database.

    :param database: :class:`odoo_library.Database`
    """

    name: str
    database: object
    server_id: int = 0
    address: str = _SENDER
    _mails: list = field(default_factory=list)

    def queue(self, count, size):
        """Return the ids of new mails of about ``size`` bytes, each to somebody else."""
        with self.database.environment() as env:
            values = [self._values(env, number, size) for number in range(count)]
            mails = env["mail.mail"].create(values).ids
        self._mails += mails
        return mails

    def _values(self, env, number, size):
        values = {
            "subject": f"Invoice {number}",
            "body_html": "<p>Please find your invoice.</p>",
            "email_from": self.address,
            "email_to": f"customer{number}@example.com",
            "mail_server_id": self.server_id,
            "auto_delete": False,
        }
        if size < _LARGE:
            text = "Please find your invoice below. "
            return values | {
                "body_html": f"<p>{text * max((size - _HEADERS) // 2 // len(text), 1)}</p>"
            }
        content = os.urandom(int((size - _HEADERS) / _BASE64))
        attachment = env["ir.attachment"].create({"name": "invoice.bin", "raw": content})
        return values | {"attachment_ids": [(4, attachment.id)]}

    def send(self, mails):
        """Send mails as the queue's job does."""
        with self.database.environment() as env:
            env["mail.mail"].process_email_queue(mails)

    def check_and_forget(self, count):
        """Make room for the next measurement.

        :raise AssertionError: not all mails were sent
        """
        states = self.database.rows("SELECT state, failure_reason FROM mail_mail")
        with self.database.environment() as env:
            env["mail.mail"].browse(self._mails).exists().attachment_ids.unlink()
            env.cr.execute("DELETE FROM mail_mail")
        self._mails.clear()
        if Counter(states) != Counter({("sent", None): count}):
            raise AssertionError(f"{self.name}: {Counter(states).most_common(3)}")


class CoreSender(Sender):
    """Core's own session, in a database in which the addon is not installed.

    :param sink: helper process of :mod:`.smtp_sink`
    """

    def __init__(self, name, database, sink, encryption):
        super().__init__(name, database)
        self._sink = sink
        with database.environment() as env:
            server = env["ir.mail_server"].create(
                {
                    "name": name,
                    "smtp_host": "localhost",
                    "smtp_port": self.target_port,
                    "smtp_encryption": encryption,
                    "smtp_authentication": "login",
                    "max_email_size": _LARGEST_MAIL,
                }
            )
            self.server_id = server.id

    @property
    def target_port(self):
        return self._sink.greeting["port"]

    def begin(self, port):
        """Be ready for one measurement.

        :param port: the way to the server
        """
        self._sink.tell("reset")
        with self.database.environment() as env:
            env["ir.mail_server"].browse(self.server_id).smtp_port = port

    def token_calls(self):
        return 0


class AddonSender(Sender):
    """A transport of the addon, to the sandbox.

    :param transport: :class:`.transports.Transport`
    """

    def __init__(self, name, transport, database, sandbox):
        super().__init__(name, database)
        self._transport = transport
        self._office = Office(database, sandbox)
        self._mailbox = None

    @property
    def target_port(self):
        described = self._office.sandbox.described
        if self._transport.is_smtp:
            return described[self._transport.provider]["smtp_port"]
        return int(described["https"].rpartition(":")[2])

    def begin(self, port):
        """Be ready for one measurement, with a mailbox whose token is at its end."""
        sandbox = self._office.sandbox
        sandbox.reset(f"{BASE_URL}/mail_server_oauth2/callback")
        sandbox.post("settings", mailbox_message_bytes=_LARGEST_MAIL * 1024**2)
        self._mailbox = self._office.connected_mailbox(
            self._transport.kind, expired=True, read_write=self._transport.may_read
        )
        self.server_id, self.address = self._mailbox.server_id, self._mailbox.address
        with self.database.environment() as env:
            env["ir.mail_server"].browse(self.server_id).write(_NO_LIMITS)
        if self._transport.is_smtp:
            _route(self._mailbox, sandbox.described["https"], port)
        else:
            _route(self._mailbox, f"https://localhost:{port}", 443)

    def token_calls(self):
        """Return how often a token was asked for since :meth:`begin`."""
        return len(self._mailbox.token_calls())


def _route(mailbox, api_url, smtp_port):
    """Let a mailbox's mails take another way, as an administrator could with these fields."""
    with mailbox.record() as record:
        # Past the ORM: through the form, a change of host would end the grant.
        record.env.cr.execute(
            "UPDATE mail_oauth2_app SET api_url = %s WHERE id = %s", [api_url, record.app_id.id]
        )
        record.env.cr.execute(
            "UPDATE ir_mail_server SET smtp_port = %s WHERE id = %s", [smtp_port, mailbox.server_id]
        )
