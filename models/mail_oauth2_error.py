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
            ("user", "The person who signs in or sends"),
            ("mail_admin", "Administrator of your mail system"),
            ("tenant_admin", "Administrator of your organisation at Microsoft or Google"),
            ("implementer", "Whoever looks after Odoo"),
        ],
        string="Who Can Help",
    )
    command = fields.Text(help="A command to copy, with placeholders in angle brackets.")
    link = fields.Char(help="A page of the provider that says more.")

    _unique_key = models.Constraint("UNIQUE(key)", "This error is already in the catalogue.")

    @api.model
    def _explain(self, key, *, generic_key="unexpected", details=None, personal=False):
        """Return the words for an error.

        :param key: specific entry, falls back to ``generic_key``, then to ``unexpected``
        :param personal: it is about a mailbox that an employee connected in the preferences
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
        if not entry:
            return self._words_without_catalogue()
        return entry._words({**self._sentences_of_remedies(personal), **(details or {})})

    @api.model
    def _sentences_of_remedies(self, personal):
        """Return the sentences that many remedies share, by the placeholder that stands for them.

        An employee has other buttons than whoever looks after the company's mail server.
        """
        if personal:
            return {
                "sign_in_again": self.env._("Open your preferences and press Sign In Again."),
                "check": self.env._("Then press Diagnose in your preferences."),
            }
        return {
            "sign_in_again": self.env._(
                "Press Authenticate on the company form, page Email Server, and sign in again."
            ),
            "check": self.env._("Then press Status on the company form, page Email Server."),
        }

    def _words(self, details):
        """Return the words of one entry, with values for its placeholders.

        A value that nobody gave is an ellipsis in a sentence, and its name in a command.
        """
        values = _Details(details, missing="…")
        return {
            "cause": _ended(self.cause % values),
            "remedy": _ended((self.remedy or "") % values),
            "who": self._who_in_words(),
            "command": (self.command or "") % _Details(details, missing="<{}>"),
            "link": (self.link or "") % values,
        }

    def _words_without_catalogue(self):
        cause = self.env._("Something unexpected happened.")
        return {"cause": cause, "remedy": "", "who": "", "command": "", "link": ""}

    @api.model
    def _causes(self, keys):
        """Return ``{key: cause}`` for keeping in lists, without anything a mail would add."""
        entries = self.sudo().search([("key", "in", list(keys))])
        return {entry.key: entry.cause % _Details({}, missing="…") for entry in entries}

    def _who_in_words(self):
        return dict(self._fields["who"]._description_selection(self.env)).get(self.who, "")

    @api.model
    def _explain_error(self, error, personal=False):
        """Return the words for an exception of the addon's tree, with the provider's own.

        :param personal: see :meth:`_explain`
        """
        words = self._explain(
            error.key, generic_key=error.generic_key, details=error.details, personal=personal
        )
        return {
            **words,
            "provider_text": error.provider_text,
            "request_id": error.request_id,
        }

    @api.model
    def _text(self, error, personal=False):
        """Return the words for an error as plain text: each kind on a line of its own.

        Cause, remedy, who can help, the command, the provider's page, the provider's own words.

        :param personal: see :meth:`_explain`
        """
        words = self._explain_error(error, personal)
        lines = [words["cause"], words["remedy"]]
        if words["who"]:
            lines.append(self.env._("Who can help: %(who)s", who=words["who"]))
        lines.append(words["command"])
        if words["link"]:
            lines.append(self.env._("More: %(link)s", link=words["link"]))
        if words["provider_text"]:
            lines.append(self.env._("The provider says: %(text)s", text=words["provider_text"]))
        return "\n".join(line for line in lines if line)

    @api.model
    def _user_error(self, error: MailOAuth2Error):
        """Return the exception to raise where a person pressed something."""
        return UserError(self._text(error))


def _ended(sentence):
    """An ellipsis at the end of a sentence is its full stop too."""
    return sentence.replace("….", "…")


class _Details(dict):
    """Values for a sentence's placeholders.

    :param missing: what stands for a value that nobody gave; ``{}`` is its name
    """

    def __init__(self, values, *, missing):
        super().__init__(values)
        self._missing = missing

    def __missing__(self, name):
        return self._missing.format(name)
