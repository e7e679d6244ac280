from contextlib import suppress

from markupsafe import escape

from odoo import models
from odoo.addons.base.models.ir_mail_server import MailDeliveryException
from odoo.exceptions import UserError
from odoo.tools import email_normalize

from ..exceptions import MailOAuth2Error
from ..transport.connection_errors import odd_characters
from ..transport.transcript import Transcript


class IrMailServer(models.Model):
    """Send a test e-mail through one server and tell what became of it."""

    _inherit = "ir.mail_server"

    # ------------------------------------------------------------
    # SENDING
    # ------------------------------------------------------------

    def _send_test_mail(self, email_to):
        """Send a test e-mail through this very server, archived or not, and wait for the outcome.

        :return: dict ``accepted`` (bool), ``reply`` (the provider's words where it accepted the
            mail), ``conversation`` (lines of text), and where it did not ``cause``, ``remedy``,
            ``command``, ``link`` and ``provider_text``, see ``mail.oauth2.error``
        :raises UserError: that is no address
        """
        self.ensure_one()
        self.check_access("read")
        # Servers of people belong to no company, their mailboxes do.
        self.sudo().oauth2_mailbox_id.with_env(self.env)._check_may_connect()
        if not email_normalize(email_to):
            raise UserError(
                self.env._("“%(address)s” is not an e-mail address.", address=email_to or "")
            )
        transcript = Transcript()
        server = self.sudo().with_context(mail_oauth2_transcript=transcript)
        try:
            reply = server._hand_test_mail_over(email_to)
            outcome = {"accepted": True, "reply": reply}
        except (MailOAuth2Error, MailDeliveryException, UserError, OSError, AssertionError) as err:
            outcome = {"accepted": False, **self._test_failure_words(err)}
        except UnicodeError as odd:
            # Without the exception: it holds what was to be written, the password too.
            known = odd_characters(odd, host=self.sudo().smtp_host)
            outcome = {"accepted": False, **self._test_failure_words(known)}
        return {**outcome, "conversation": str(transcript)}

    def _hand_test_mail_over(self, email_to):
        """Send a test e-mail; return what the server said last, which is that it took it."""
        sender = self.oauth2_mailbox_id.address or self._get_test_email_from()
        servers = self.env["ir.mail_server"]
        message = servers._build_email__(
            email_from=sender,
            email_to=[email_to],
            subject=self.env._("Test e-mail from Odoo"),
            body=self._test_mail_body(),
            subtype="html",
        )
        session = servers._connect__(mail_server_id=self.id, smtp_from=sender, allow_archived=True)
        if session is None:  # Odoo sends nothing while it tests itself
            return ""
        try:
            servers.send_email(message, smtp_session=session)
            return self._wanted_transcript().last_answer
        finally:
            with suppress(OSError):
                session.quit()

    def _test_mail_body(self):
        return self.env._(
            "<p>This e-mail was sent from Odoo by %(user)s to test the server "
            "“%(server)s”. It works.</p>",
            # str: of Markup, the translation itself would be escaped too.
            user=str(escape(self.env.user.name)),
            server=str(escape(self.name)),
        )

    def _test_failure_words(self, error):
        # Core's exception carries ours, which knows more.
        known = error if isinstance(error, MailOAuth2Error) else error.__cause__
        if isinstance(known, MailOAuth2Error):
            return self.env["mail.oauth2.error"]._explain_error(known)
        details = "\n".join(str(part) for part in error.args[1:] or error.args)
        return {
            "cause": self.env._("The server did not accept the test e-mail."),
            "provider_text": details,
        }

    # ------------------------------------------------------------
    # THE CONVERSATION
    # ------------------------------------------------------------

    def _new_oauth2_session(self, *args, **kwargs):
        session = super()._new_oauth2_session(*args, **kwargs)
        session.transcript = self._wanted_transcript()
        return session

    def _smtp_login__(self, connection, smtp_user, smtp_password):  # noqa: PLW3201
        """Write down how a server with user name and password is talked to.

        The sessions of OAuth2 servers do so by themselves, once they have the connection.
        """
        transcript = self._wanted_transcript()
        if transcript and not self._filter_oauth2():
            transcript.listen(connection)
        return super()._smtp_login__(connection, smtp_user, smtp_password)

    def _wanted_transcript(self):
        wanted = self.env.context.get("mail_oauth2_transcript")
        return wanted if isinstance(wanted, Transcript) else None
