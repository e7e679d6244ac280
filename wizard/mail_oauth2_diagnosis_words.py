import platform
import ssl

from odoo import fields, models, release

from .diagnosis_steps import GRAPH, steps_for


class MailOAuth2Diagnosis(models.TransientModel):
    """What people read: headings, titles, and the text for a support request."""

    _inherit = "mail.oauth2.diagnosis"

    def _subject(self):
        """Return what is looked at: address, type, server."""
        parts = [self.mailbox_id.address or self.mail_server_id.name, self._type_label()]
        return [part for part in [*parts, self._mail_server_in_words()] if part]

    def _type_label(self):
        """Return the name of the type, as the company form has it where it offers the type."""
        kind = self._kind()
        code = kind.code if kind else self.mail_server_id.smtp_authentication
        company, server = self.env["res.company"], self.env["ir.mail_server"]
        selections = (server._fields["smtp_authentication"], company._fields["email_server_type"])
        labels = {}
        for field in selections:
            labels.update(field._description_selection(self.env))
        return labels.get(code, "")

    def _mail_server_in_words(self):
        """Return host and port of the server that takes the mail, without asking whether they
        can be right."""
        if self._way() == GRAPH:
            return self._app().api_url or ""
        server = self.mail_server_id or self._app()
        return f"{server.smtp_host}:{server.smtp_port}" if server.smtp_host else ""

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
        lines = [
            " · ".join(self._subject()),
            self.env._("Time: %(time)s UTC", time=fields.Datetime.now()),
            f"Odoo {release.version}, mail_server_oauth2 {self._addon_version()}, "
            f"Python {platform.python_version()}, {ssl.OPENSSL_VERSION}",
        ]
        if self._way() != GRAPH:
            encryption = self.mail_server_id.smtp_encryption or "-"
            lines.append(self.env._("Encryption: %(name)s", name=encryption))
        if self.mailbox_id:
            host = self._app().token_url or self._app().authority_url
            lines.append(self.env._("Sign-in server: %(host)s", host=host))
        return lines

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
