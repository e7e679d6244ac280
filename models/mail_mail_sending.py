from odoo import models
from odoo.addons.base.models.ir_mail_server import MailDeliveryException
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..exceptions import MailOAuth2Error
from .hand_over import HandOver
from .interrupted_mail import InterruptedMail, claim
from .mail_mail import FAILURE_TYPES
from .queue_outcome import QueueOutcome
from .queue_run import QueueRun
from .recipients_split import PartialRefusal, part_served, serves_all

OWN_TYPES = {kind for kind, _label in FAILURE_TYPES}


class MailMail(models.Model):
    """Hand the mails of one batch over, one by one, and let each have the state it deserves."""

    _inherit = "mail.mail"

    def _send(
        self,
        auto_commit=False,
        raise_exception=False,
        smtp_session=None,
        alias_domain_id=False,
        mail_server=False,
        post_send_callback=None,
    ):
        """Give core one mail at a time, so that trouble with one stays with that one."""
        servers = self.env["ir.mail_server"]
        options = {
            "auto_commit": auto_commit,
            "raise_exception": raise_exception,
            "smtp_session": smtp_session,
            "alias_domain_id": alias_domain_id,
            "mail_server": mail_server,
            "post_send_callback": post_send_callback,
        }
        strangers = self._strangers_to(mail_server)
        if strangers and not raise_exception:
            strangers._fail_at(mail_server)
            return (self - strangers)._send(**options)
        if strangers and isinstance(smtp_session, HandOver):
            raise UserError(self._text_of_strangers(mail_server))
        if not isinstance(smtp_session, HandOver):
            free = self._settle_interrupted(HandOver(smtp_session, mail_server or servers))
            return super(MailMail, free)._send(**options)
        smtp_session.is_paced = not raise_exception
        error = self._opening_error(smtp_session, is_urgent=raise_exception)
        if error and raise_exception:
            title = self.env._("Unable to connect to the mail server")
            raise MailDeliveryException(title, smtp_session.text_of(error)) from error
        if error:
            self._wait_for(smtp_session, error)
        elif auto_commit:
            QueueRun(self, options).run()
        else:
            self._send_at_once(options)
        if auto_commit:
            self.env.cr.commit()  # pylint: disable=invalid-commit
        if post_send_callback:
            post_send_callback(self.ids)
        return True

    def _strangers_to(self, mail_server):
        """Return those that a server may not send: another company's, or another person's."""
        if not mail_server or self._filter_mail_mail_servers(mail_server):
            return self.browse()
        return self.filtered(lambda mail: not mail._filter_mail_mail_servers(mail_server))

    def _fail_at(self, mail_server):
        """Fail mails here, where core would end the run: every next one would begin with them."""
        text = self._text_of_strangers(mail_server)
        mails = self.filtered(lambda mail: mail.state == "outgoing")
        mails.write({"state": "exception", "failure_type": "mail_smtp", "failure_reason": text})
        mails._postprocess_failed()

    def _text_of_strangers(self, mail_server):
        return self.env._(
            "“%(server)s” belongs to another company or person and cannot send this mail. "
            "Choose another server for it.",
            server=mail_server.sudo().name,
        )

    def _settle_interrupted(self, hand_over):
        """Return those that a server of core may send: it does not know of the journal.

        An OAuth2 server may have begun with a mail before this one took its place.

        :param HandOver hand_over: of core's session
        """
        query = SQL(
            """SELECT DISTINCT mail.id
                 FROM mail_mail mail
                 JOIN mail_oauth2_attempt attempt
                   ON attempt.mail_ref = mail.id
                  AND attempt.id > COALESCE(mail.oauth2_settled_attempt, 0)
                WHERE mail.id IN %s AND mail.state = 'outgoing'""",
            tuple(self.ids) or (0,),
        )
        self.flush_model(["state", "oauth2_settled_attempt"])
        interrupted = self.browse(mail_id for (mail_id,) in self.env.execute_query(query))
        return self - interrupted.filtered(
            lambda mail: not mail._may_be_handed_over(hand_over, wait=True)
        )

    def _opening_error(self, hand_over, is_urgent):
        """Open the session; return what keeps it from sending, ``None`` if nothing does."""
        pause = self.env["mail.oauth2.pause"].sudo()._of(hand_over.mailbox)
        error = None if is_urgent else pause._error_now()
        if error:
            hand_over.stopped_until = pause.until
            return error
        try:
            hand_over.open()
        except MailOAuth2Error as trouble:
            hand_over.note_failed_opening(trouble)
            hand_over.stop(trouble)
            return trouble
        hand_over.pause = pause
        return None

    def _wait_for(self, hand_over, error):
        """None of these mails can even be tried."""
        mails = self.filtered(lambda mail: mail.state == "outgoing")
        QueueOutcome(mails, error, hand_over).apply_to_all()._postprocess_failed()

    def _send_at_once(self, options):
        """Send within the caller's transaction."""
        hand_over = options["smtp_session"]
        for position, mail_id in enumerate(self.ids):
            if not hand_over.has_room():
                return self[position:]._wait_for(hand_over, hand_over.stopped_by)
            mail = self.browse(mail_id)
            if mail._may_be_handed_over(hand_over, wait=True):
                mail._hand_over(options)
            elif options["raise_exception"] and mail.state in ("outgoing", "exception"):
                # Who asks for errors must not believe that it was sent.
                title = self.env._("This mail has not been sent")
                raise MailDeliveryException(title, mail.failure_reason or "")
        return None

    def _split_by_delayed_batch(self, mail_server):
        """Leave personal OAuth2 servers to their pace, which keeps to core's limit too.

        Core parts a mail before it is handed over. If that is undone, the journal would know
        of a mail that does not exist, and the original would go to everybody again.
        """
        if mail_server and mail_server._filter_oauth2():
            return self
        return super()._split_by_delayed_batch(mail_server)

    def _may_be_handed_over(self, hand_over, *, wait):
        """Claim the mail, settle what an earlier run left open, and say if it can go now."""
        found = claim(self, wait=wait)
        if found != "interrupted":
            return found == "free"
        self.invalidate_recordset()
        try:
            return InterruptedMail(self, hand_over).settle()
        except MailOAuth2Error as error:
            hand_over.stop(error)
            self._wait_for(hand_over, error)
            return False

    def _hand_over(self, options):
        # pylint: disable=super-method-mismatch
        # The present class stands between core's sending and a single mail.
        hand_over = options["smtp_session"]
        super(MailMail, self.with_context(mail_oauth2_hand_over=hand_over))._send(
            **{**options, "auto_commit": False, "post_send_callback": None}
        )

    def _prepare_outgoing_list(self, mail_server=False, doc_to_followers=None):
        """Note whom core will hand the mail over for, one after the other."""
        emails = super()._prepare_outgoing_list(mail_server, doc_to_followers)
        hand_over = self.env.context.get("mail_oauth2_hand_over")
        if hand_over:
            partners = [email["partner_id"] for email in emails]
            hand_over.begin_mail(self, [partner and partner.id for partner in partners])
        return emails

    # ------------------------------------------------------------
    # STATES
    # ------------------------------------------------------------

    def _postprocess_sent_message(
        self, success_pids, success_emails, failure_reason=False, failure_type=None
    ):
        """Give a mail the state that its hand-overs ask for, before it is committed."""
        hand_over = self.env.context.get("mail_oauth2_hand_over")
        if not hand_over or hand_over.mail != self:
            return super()._postprocess_sent_message(
                success_pids, success_emails, failure_reason, failure_type
            )
        mail = self.with_context(mail_oauth2_hand_over=None)
        course = hand_over.course
        mail.oauth2_settled_attempt = course.last_attempt or mail.oauth2_settled_attempt
        if course.error:
            failed = QueueOutcome(mail, course.error, hand_over).apply_to_one(course)
            (mail - failed)._traces().write({"trace_status": "outgoing", "failure_type": False})
            return failed._postprocess_failed()
        if mail.state == "exception" and course.served:
            # Core itself could not go on, in the middle of the mail or after it.
            if not serves_all(course.served, mail):
                part_served(mail, course)
            else:
                mail._write_sent()
                failure_reason, failure_type = False, None
        if mail.state == "sent" and course.refused:
            return mail._postprocess_accepted(success_pids, success_emails, course.refused)
        return super(MailMail, mail)._postprocess_sent_message(
            success_pids, success_emails, failure_reason, failure_type
        )

    def _postprocess_accepted(self, success_pids, success_emails, refused):
        """End a mail that was accepted, maybe not for everybody.

        :param dict refused: reply by address
        """
        failure = (False, None)
        if refused:
            partial = PartialRefusal(self, refused)
            partial.apply()
            success_pids, success_emails = partial.served(success_pids, success_emails)
            failure = partial.failure
        return self._postprocess_sent_message(success_pids, success_emails, *failure)

    def _traces(self):
        """Return what a mass mailing keeps of these mails; its module calls any trouble an end."""
        if "mailing_trace_ids" in self._fields:
            return self.mailing_trace_ids
        return self.browse()

    def _postprocess_failed(self):
        """Tell authors of mails that are failed for good."""
        for mail in self:
            kind = mail.failure_type
            if kind in OWN_TYPES and mail._traces():
                # They know only core's reasons.
                kind = "unknown"
            mail._postprocess_sent_message([], [], mail.failure_reason, kind)
        return True
