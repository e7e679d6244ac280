from odoo.tests import new_test_user, tagged

from ..exceptions import SignInNeededError
from .test_attempts import ERIN, GRAPH, QueueCase

GERMAN = "de_DE"
WITHDRAWN = "Die Berechtigung wurde zurückgezogen."
DENIED = "Mit dieser Absenderadresse darf das Konto nicht senden."


@tagged("post_install", "-at_install")
class TestLanguages(QueueCase):
    """What is written down for people is in the language of whoever reads it."""

    def setUp(self):
        super().setUp()
        self.env["res.lang"]._activate_lang(GERMAN)
        for name, cause in (("aadsts_50173", WITHDRAWN), ("send_as_denied", DENIED)):
            entry = self.env.ref(f"mail_server_oauth2.error_{name}")
            entry.with_context(lang=GERMAN).cause = cause
        self.mailbox = self.connected_server(GRAPH, ERIN).oauth2_mailbox_id
        self.people = {
            lang: new_test_user(
                self.env,
                f"chief {lang}",
                groups="base.group_system",
                company_id=self.company.id,
                company_ids=[(6, 0, self.company.ids)],
                lang=lang,
            )
            for lang in ("en_US", GERMAN)
        }

    def refused_mails(self):
        """Return a mail of each person, both refused in one run of the queue."""
        self.sandbox.fault("graph.sendmail", "error", code="ErrorSendAsDenied", times=2)
        mails = {
            lang: self.queue_mail_of(person, email_to=f"{lang}@example.com")
            for lang, person in self.people.items()
        }
        self.send(mails["en_US"] + mails[GERMAN])
        return mails

    def queue_mail_of(self, person, **values):
        mails = self.env["mail.mail"].with_user(person)
        mail = mails.create(
            {
                "subject": "Invoice",
                "body_html": "<p>Invoice</p>",
                "email_from": ERIN,
                "record_company_id": self.company.id,
                **values,
            }
        )
        return mail.with_user(self.env.user)

    def test_reason_of_a_failure_is_in_the_language_of_the_author(self):
        mails = self.refused_mails()
        self.assertTrue(mails[GERMAN].failure_reason.startswith(DENIED))
        self.assertIn("may not send", mails["en_US"].failure_reason)
        self.assertEqual(mails[GERMAN].oauth2_reason_line, DENIED)

    def test_mail_that_nobody_wrote_speaks_the_language_of_its_company(self):
        self.company.partner_id.lang = GERMAN
        self.sandbox.fault("graph.sendmail", "error", code="ErrorSendAsDenied", times=1)
        mail = self.send(self.queue_mail())
        self.assertTrue(mail.failure_reason.startswith(DENIED))

    def test_everybody_is_told_of_an_incident_in_the_own_language(self):
        self.sandbox.post("grants/revoke", account=ERIN)
        with self.assertLogs("odoo.addons.mail_server_oauth2", "WARNING"):
            self.assertIsInstance(self.mailbox._probe(), SignInNeededError)
        notes = {
            activity.user_id: f"{activity.note}" for activity in self.mailbox._incident_activities()
        }
        self.assertIn(WITHDRAWN, notes[self.people[GERMAN]])
        self.assertIn("was withdrawn", notes[self.people["en_US"]])
