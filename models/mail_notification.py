from odoo import fields, models

from .mail_mail import FAILURE_TYPES


class MailNotification(models.Model):
    """Say on the document why a mail has not left."""

    _inherit = "mail.notification"

    failure_type = fields.Selection(selection_add=FAILURE_TYPES)
