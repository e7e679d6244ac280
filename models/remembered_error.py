import json

from odoo import fields, models

from ..exceptions import MailOAuth2Error


class RememberedError(models.AbstractModel):
    """Columns that keep one error of the tree, so that it can be raised and shown again."""

    _name = "mail.oauth2.remembered.error"
    _description = "Remembered Error"

    error_class = fields.Char()
    error_key = fields.Char()
    error_text = fields.Text()
    error_details = fields.Char()
    error_request = fields.Char()
    error_on = fields.Datetime()

    @staticmethod
    def _error_values(error):
        return {
            "error_class": type(error).__name__,
            "error_key": error.key,
            "error_text": error.provider_text,
            "error_details": json.dumps(error.details),
            "error_request": error.request_id,
            "error_on": fields.Datetime.now(),
        }

    @staticmethod
    def _no_error_values():
        return dict.fromkeys(
            (
                "error_class",
                "error_key",
                "error_text",
                "error_details",
                "error_request",
                "error_on",
            ),
            False,
        )

    def _last_error(self):
        """Return the remembered error as an exception, ``None`` if there is none."""
        if not self.error_class:
            return None
        return error_class(self.error_class)(
            self.error_key,
            provider_text=self.error_text or "",
            request_id=self.error_request or "",
            details=json.loads(self.error_details or "{}"),
        )


def error_class(name):
    """Return the class of the error tree with this name."""
    return _tree(MailOAuth2Error).get(name, MailOAuth2Error)


def _tree(root):
    classes = {root.__name__: root}
    for child in root.__subclasses__():
        classes.update(_tree(child))
    return classes
