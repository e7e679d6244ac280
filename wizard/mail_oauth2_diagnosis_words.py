import platform
import ssl

from odoo import fields, models, release

from .diagnosis_steps import GRAPH, steps_for


class MailOAuth2Diagnosis(models.TransientModel):
    """What people read: headings, titles, and the text for a support request."""

    _inherit = "mail.oauth2.diagnosis"

    def _subject(self):
        """Return what is looked at: address, type, host."""
        parts = [self.mailbox_id.address or self.mail_server_id.name, self._type_label()]
        if self._way() != GRAPH:
            server = self.mail_server_id or self._app()
            parts.append(f"{server.smtp_host or '-'}:{server.smtp_port}")
        return [part for part in parts if part]

    def _type_label(self):
        field = self.mail_server_id._fields["smtp_authentication"]
        labels = dict(field._description_selection(self.env))
        kind = self._kind()
        return labels.get(kind.code if kind else self.mail_server_id.smtp_authentication, "")

    def _sections(self):
        """Return the headings with their checks, in the order they are run."""
        titles = {
            "settings": self.env._("Settings in Odoo"),
            "sign_in": self.env._("Sign-in at the provider"),
            "mail": self.env._("Microsoft Graph")
            if self._way() == GRAPH
            else self.env._("Mail server"),
        }
        steps = steps_for(self._way())
        sections = dict.fromkeys(step.section for step in steps)
        return [
            {
                "title": titles[section],
                "checks": [
                    {"name": step.name, "title": self._title(step)}
                    for step in steps
                    if step.section == section
                ],
            }
            for section in sections
        ]

    def _title(self, step):
        return {
            "registration": self.env._("App registration"),
            "client_secret": self.env._("Client secret"),
            "redirect_uri": self.env._("Redirect URI"),
            "sender": self.env._("Sender's address"),
            "mail_queue": self.env._("Mail queue"),
            "sign_in_name": self.env._("Name of the sign-in server"),
            "sign_in_port": self.env._("Connection to the sign-in server"),
            "sign_in_certificate": self.env._("Certificate of the sign-in server"),
            "clock": self.env._("Clock of this server"),
            "token": self.env._("Access token"),
            "token_contents": self.env._("Permissions in the token"),
            "mail_name": self.env._("Name of the mail server"),
            "mail_port": self.env._("Connection to the mail server"),
            "mail_certificate": self.env._("Certificate of the mail server"),
            "methods": self.env._("Ways to sign in"),
            "mailbox": self.env._("Mailbox"),
            "send_as": self.env._("Right to send"),
        }[step.name]

    # ------------------------------------------------------------
    # FOR A SUPPORT REQUEST
    # ------------------------------------------------------------

    def _report(self):
        rows = [line for step in steps_for(self._way()) for line in self._report_lines(step)]
        return "\n".join([*self._report_head(), "", *rows])

    def _report_head(self):
        return [
            " · ".join(self._subject()),
            self.env._("Time: %(time)s UTC", time=fields.Datetime.now()),
            f"Odoo {release.version}, mail_server_oauth2 {self._addon_version()}, "
            f"Python {platform.python_version()}, {ssl.OPENSSL_VERSION}",
        ]

    def _addon_version(self):
        module = self.env["ir.module.module"].search([("name", "=", "mail_server_oauth2")])
        return module.installed_version or "-"

    def _report_lines(self, step):
        row = (self.outcomes or {}).get(step.name, {})
        labels = {
            "passed": self.env._("Passed"),
            "warning": self.env._("Warning"),
            "failed": self.env._("Failed"),
        }
        label = labels.get(row.get("outcome"), self.env._("Not tried"))
        yield f"[{label}] {self._title(step)}"
        for name in ("summary", "cause", "remedy", "command", "provider_text", "request_id"):
            if row.get(name):
                yield f"    {row[name]}"
