from odoo import api, models
from odoo.exceptions import AccessError


class MailOAuth2ErrorExplain(models.Model):
    """*Explain this error*: the catalogue's words for any text that a person pasted.

    Nothing of the text is stored, and what comes back of it holds no secret.
    """

    _inherit = "mail.oauth2.error"

    @api.model
    def explain(self, text):
        """Return what is recognised in a text. Called by the screen.

        :param str text: an error from anywhere: a log, a page, a mail's failure reason, an address
        :return: dict of ``text``, without its secrets; ``is_recognised``; ``findings``, the most
            specific first, each with ``cause, remedy, who, command, link, provider_text, key``
        :raises AccessError: for portal users and visitors
        """
        # Loads the libraries of both providers' errors: when somebody asks, not with Odoo.
        from ..recognition import hide_secrets, readings, recognise

        if not self.env.user._is_internal():
            raise AccessError(self.env._("Only employees may look errors up."))
        text = text if isinstance(text, str) else ""
        findings = recognise(text, self._sentences())
        explained = [self._explain_finding(finding) for finding in findings]
        return {
            "text": hide_secrets(readings(text)[0]),
            "is_recognised": bool(explained),
            "findings": _without_repeats(explained) or [self._explain_unknown_text()],
        }

    @api.model
    def _action_explain(self, text=""):
        """Return the action that opens *Explain this error* in a dialogue, with a text in it."""
        from ..recognition import hide_secrets

        action = self.env["ir.actions.client"]._for_xml_id(
            "mail_server_oauth2.action_mail_oauth2_explain"
        )
        return {**action, "target": "new", "params": {"text": hide_secrets(text)}}

    def _explain_finding(self, finding):
        words = self._explain(finding.key, details=finding.details)
        return {**words, "key": finding.key, "provider_text": finding.text}

    def _explain_unknown_text(self):
        return {**self._explain("text_not_recognised"), "key": "", "provider_text": ""}

    def _sentences(self):
        """Return ``(key, cause)`` in every language that a failure reason may be written in."""
        entries = self.sudo().search([("cause", "!=", False)])
        languages = {"en_US", *(code for code, _name in self.env["res.lang"].get_installed())}
        return {
            (entry.key, entry.cause)
            for code in sorted(languages)
            for entry in entries.with_context(lang=code)
        }


def _without_repeats(explained):
    """Leave out what says the same as an earlier one in other numbers."""
    by_words = {}
    for words in explained:
        by_words.setdefault((words["cause"], words["remedy"]), words)
    return list(by_words.values())
