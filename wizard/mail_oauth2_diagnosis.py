import logging

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..exceptions import MailOAuth2Error
from ..providers import SERVER_TYPES
from .diagnosis_steps import (
    FOREIGN,
    GOOD_ENOUGH,
    PASSWORD,
    STEPS_BY_NAME,
    NotTriedError,
    steps_for,
)

_logger = logging.getLogger(__name__)

#: seconds after which the browser goes on to the next check, whatever became of this one
PATIENCE = 60


class MailOAuth2Diagnosis(models.TransientModel):
    """A checklist of what mail needs to leave, run one check after the other by the browser.

    Nothing is sent and nothing is changed, but for what every refresh of a token stores. The
    checks themselves stand in the files ``mail_oauth2_diagnosis_*.py``; what belongs to a
    protocol is in ``transport/check_*.py``.
    """

    _name = "mail.oauth2.diagnosis"
    _description = "Diagnosis of a Mail Server"

    mail_server_id = fields.Many2one("ir.mail_server", ondelete="cascade")
    mailbox_id = fields.Many2one("mail.oauth2.mailbox", ondelete="cascade")
    outcomes = fields.Json(help="Name of a check: what is shown of it.")

    # ------------------------------------------------------------
    # CALLED BY THE DIALOGUE
    # ------------------------------------------------------------

    def begin(self):
        """Forget earlier outcomes and tell what will be looked at; asks nobody anything.

        :return: dict ``subject`` (list of words), ``patience`` (seconds per check) and
            ``sections``, a list of ``title`` and ``checks`` (``name``, ``title``)
        """
        record = self._checked_sudo()
        record.outcomes = {}
        return {
            "subject": record._subject(),
            "patience": PATIENCE,
            "sections": record._sections(),
        }

    def run_check(self, name):
        """Run one check; return what there is to show of it.

        :return: dict ``outcome`` (``passed``, ``warning``, ``failed``, ``not_tried``),
            ``summary``, and the words of the error catalogue where there is a problem
        """
        record = self._checked_sudo()
        row = record._row(STEPS_BY_NAME[name])
        record.outcomes = {**(record.outcomes or {}), name: row}
        return row

    def report(self):
        """Return the outcomes as text for a support request, without secrets."""
        return self._checked_sudo()._report()

    # ------------------------------------------------------------
    # BUSINESS METHODS
    # ------------------------------------------------------------

    @api.model
    def _open(self, server, mailbox):
        """Return the action that shows the diagnosis of a server, a mailbox or both."""
        # sudo: people read these dialogues and press their buttons; only this method makes them.
        record = self.sudo().create({"mail_server_id": server.id, "mailbox_id": mailbox.id})
        record.sudo(False)._checked_sudo()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Diagnose"),
            "res_model": self._name,
            "res_id": record.id,
            "view_mode": "form",
            "target": "new",
        }

    def _checked_sudo(self):
        """Return this record with all rights, for people who may put the mailbox in order.

        :raises AccessError:
        """
        self.ensure_one()
        self.check_access("read")
        mailbox = self.sudo().mailbox_id.sudo(False)
        if mailbox:
            mailbox._check_may_connect()
        else:
            self.sudo().mail_server_id.sudo(False).check_access("write")
        return self.sudo()

    def _row(self, step):
        reason = self._reason_not_to_try(step)
        if reason:
            return {"outcome": "not_tried", "summary": reason}
        try:
            finding = getattr(self, f"_check_{step.name}")()
        except NotTriedError as error:
            return {"outcome": "not_tried", "summary": error.reason}
        except MailOAuth2Error as error:
            _logger.info("Diagnosis of %s, %s: %s", self._subject(), step.name, error)
            return {"outcome": "failed", "summary": "", **self._words(error)}
        except UserError as error:  # core's words
            return {"outcome": "failed", "summary": "", "cause": str(error)}
        words = self._words(finding.problem) if finding.problem else {}
        if finding.warning:
            words = {"cause": finding.warning}
        return {"outcome": finding.outcome, "summary": finding.summary, **words}

    def _reason_not_to_try(self, step):
        """Say which check has to pass first, ``""`` if all have."""
        if step not in steps_for(self._way()):
            return self.env._("Does not belong to this way of sending.")
        for needed in step.needs:
            known = STEPS_BY_NAME[needed]
            outcome = (self.outcomes or {}).get(needed, {}).get("outcome")
            if known in steps_for(self._way()) and outcome not in GOOD_ENOUGH:
                return self.env._("Needs “%(check)s” first.", check=self._title(known))
        return ""

    def _words(self, error):
        return self.mailbox_id._words_for(error)

    # ------------------------------------------------------------
    # WHAT IS LOOKED AT
    # ------------------------------------------------------------

    def _kind(self):
        """Return the row of ``SERVER_TYPES``, ``None`` for servers of other types."""
        if self.mail_server_id:
            return SERVER_TYPES.get(self.mail_server_id.smtp_authentication)
        kinds = [kind for kind in SERVER_TYPES.values() if kind.provider == self._app().provider]
        return kinds[0]

    def _way(self):
        kind = self._kind()
        if kind:
            return kind.transport
        return PASSWORD if self.mail_server_id.smtp_authentication == "login" else FOREIGN

    def _app(self):
        return self.mailbox_id.app_id

    def _resource(self):
        """Return the resource that mail of this mailbox needs a token for."""
        kind, mailbox = self._kind(), self.mailbox_id
        return kind.resource_for(shared=mailbox.shared, read_write=mailbox._uses_read_write(kind))

    def _company(self):
        return self.mail_server_id.company_id or self.mailbox_id.company_id or self.env.company
