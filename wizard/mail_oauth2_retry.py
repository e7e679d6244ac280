from odoo import api, fields, models

#: mails that are dealt with at a time, each time in a transaction of its own
BATCH = 200


class MailOAuth2Retry(models.TransientModel):
    """Send many mails again, in batches that the browser asks for one after the other.

    Nothing is sent here: the mails go back to the queue, whose pace the provider's limits set.
    """

    _name = "mail.oauth2.retry"
    _description = "Send Mails Again"

    mail_refs = fields.Json(readonly=True, help="The ids of the mails, oldest first.")

    @api.model
    def _open(self, mails):
        """Return the action that shows the dialogue for some mails."""
        wizard = self.create({"mail_refs": sorted(mails.ids)})
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Send Again"),
            "res_model": self._name,
            "res_id": wizard.id,
            "views": [(False, "form")],
            "target": "new",
        }

    # ------------------------------------------------------------
    # CALLED BY THE DIALOGUE
    # ------------------------------------------------------------

    def plan(self):
        """Tell what running all batches would do; changes nothing.

        :return: dict ``total``; the numbers of ``failed``, ``held``, ``unknown`` and ``other``
            mails, of which only the first two are sent again; ``blocked``, the mailboxes whose
            mails would be held again (``id, address, label``)
        """
        mails = self._mails()
        failed, held, unknown = _by_need(mails)
        return {
            "total": len(self.mail_refs),
            "failed": len(failed),
            "held": len(held),
            "unknown": len(unknown),
            "other": len(self.mail_refs) - len(failed) - len(held) - len(unknown),
            "blocked": self._blocked(held),
        }

    def run_batch(self, offset):
        """Let the next :data:`BATCH` mails go again.

        What nobody knows the delivery of stays as it is, and so does what is being sent at this
        moment. A batch that is asked for twice does nothing the second time.

        :param int offset: how many mails the batches before have dealt with
        :return: dict ``done`` (the next offset), ``sent_again`` (of this batch)
        """
        mails = self._mails(offset, BATCH).try_lock_for_update(allow_referencing=True)
        # What was read before the lock may be old.
        mails.invalidate_recordset()
        failed, held, _unknown = _by_need(mails)
        failed.action_retry()
        held._release()
        if failed or held:
            self.env.ref("mail.ir_cron_mail_scheduler_action").sudo()._trigger()
        done = min(offset + BATCH, len(self.mail_refs))
        return {"done": done, "sent_again": len(failed) + len(held)}

    # ------------------------------------------------------------
    # BUSINESS METHODS
    # ------------------------------------------------------------

    def _mails(self, offset=0, limit=None):
        self.ensure_one()
        end = None if limit is None else offset + limit
        return self.env["mail.mail"].browse(self.mail_refs[offset:end]).exists()

    def _blocked(self, held):
        mailboxes = held.oauth2_held_by_id.oauth2_mailbox_id
        return [
            {"id": mailbox.id, "address": mailbox.address, "label": mailbox._state_label()}
            for mailbox in mailboxes
            if mailbox._is_blocked()
        ]


def _by_need(mails):
    """Return the failed, held and unknown ones of some mails."""
    domains = mails._queue_domains()
    return [mails.filtered_domain(domains[kind]) for kind in ("failed", "held", "unknown")]
