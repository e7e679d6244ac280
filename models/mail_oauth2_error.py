from odoo import api, fields, models
from odoo.exceptions import UserError

from ..exceptions import MailOAuth2Error


class MailOAuth2ErrorMeaning(models.Model):
    """The error catalogue: what an error means and what to do, in the reader's language."""

    _name = "mail.oauth2.error"
    _description = "Mail OAuth2 Error"
    _rec_name = "key"
    _order = "key"

    key = fields.Char(required=True, readonly=True)
    cause = fields.Char(required=True, translate=True)
    remedy = fields.Text(translate=True)
    who = fields.Selection(
        [
            ("user", "The person who signs in"),
            ("mail_admin", "Administrator of the mail system"),
            ("tenant_admin", "Administrator of the tenant"),
            ("implementer", "Whoever looks after Odoo"),
        ],
        string="Who Can Do It",
    )
    command = fields.Text(help="A command to copy, with placeholders in angle brackets.")
    link = fields.Char()

    _unique_key = models.Constraint("UNIQUE(key)", "This error is already in the catalogue.")

    @api.model
    def _explain(self, key, *, generic_key="unexpected", details=None):
        """Return the words for an error.

        :param key: specific entry, falls back to ``generic_key``, then to ``unexpected``
        :return: dict ``cause, remedy, who, command, link``
        """
        entries = self.sudo().search([("key", "in", [key, generic_key, "unexpected"])])
        entry = next(
            (
                found
                for wanted in (key, generic_key, "unexpected")
                for found in entries
                if found.key == wanted
            ),
            self,
        )
        values = _Details(details or {})
        return {
            "cause": (entry.cause or self.env._("Something unexpected happened.")) % values,
            "remedy": (entry.remedy or "") % values,
            "who": entry._who_in_words(),
            "command": (entry.command or "") % values,
            "link": entry.link or "",
        }

    @api.model
    def _causes(self, keys):
        """Return ``{key: cause}`` for keeping in lists, without anything a mail would add."""
        entries = self.sudo().search([("key", "in", list(keys))])
        return {entry.key: entry.cause % _Details() for entry in entries}

    def _who_in_words(self):
        return dict(self._fields["who"]._description_selection(self.env)).get(self.who, "")

    @api.model
    def _explain_error(self, error):
        """Return the words for an exception of the addon's tree, with the provider's own."""
        return {
            **self._explain(error.key, generic_key=error.generic_key, details=error.details),
            "provider_text": error.provider_text,
            "request_id": error.request_id,
        }

    @api.model
    def _text(self, error):
        """Return cause, remedy and the provider's words as plain text, one below the other."""
        words = self._explain_error(error)
        lines = [words["cause"], words["remedy"], words["command"]]
        if words["provider_text"]:
            lines.append(self.env._("The provider says: %(text)s", text=words["provider_text"]))
        return "\n".join(line for line in lines if line)

    @api.model
    def _user_error(self, error: MailOAuth2Error):
        """Return the exception to raise where a person pressed something."""
        return UserError(self._text(error))


class _Details(dict):
    """Values for a sentence's placeholders; a value nobody gave shows as an ellipsis."""

    def __missing__(self, key):
        return "…"
