from odoo.exceptions import AccessError
from odoo.tests import TransactionCase, new_test_user, tagged

from ..exceptions import ConfigurationError, SignInNeededError


@tagged("post_install", "-at_install")
class TestExplain(TransactionCase):
    """*Explain this error*: the catalogue's words for any pasted text."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.errors = cls.env["mail.oauth2.error"]

    def explain(self, text):
        return self.errors.explain(text)

    def test_each_entry_is_found_by_its_failure_reason(self):
        for entry in self.errors.search([]):
            with self.subTest(key=entry.key):
                reason = self.errors._text(ConfigurationError(entry.key))
                found = self.explain(reason)
                self.assertTrue(found["is_recognised"])
                words = self.errors._explain(entry.key)
                self.assertIn(words["cause"], [each["cause"] for each in found["findings"]])

    def test_a_reply_brings_cause_remedy_person_command_and_page(self):
        text = (
            "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the "
            "Mailbox. Visit https://aka.ms/smtp_auth_disabled for more information."
        )
        (finding,) = self.explain(text)["findings"]
        self.assertEqual(finding["key"], "smtp_auth_disabled_mailbox")
        self.assertIn("switched off", finding["cause"])
        self.assertIn("Authenticated SMTP", finding["remedy"])
        self.assertEqual(finding["who"], "Administrator of your mail system")
        self.assertEqual(
            finding["command"],
            'Set-CASMailbox -Identity "<mailbox>" -SmtpClientAuthenticationDisabled $false',
        )
        self.assertEqual(finding["link"], "https://aka.ms/smtp_auth_disabled")
        self.assertEqual(finding["provider_text"], text)

    def test_an_unknown_text_is_called_unknown_and_leads_on(self):
        found = self.explain("The printer is on fire")
        self.assertFalse(found["is_recognised"])
        (finding,) = found["findings"]
        self.assertIn("does not know", finding["cause"])
        self.assertIn("Press Status", finding["remedy"])

    def test_an_unknown_number_links_to_the_page_about_it(self):
        (finding,) = self.explain("AADSTS50097: Device authentication is required.")["findings"]
        self.assertIn("AADSTS50097", finding["cause"])
        self.assertEqual(finding["link"], "https://login.microsoftonline.com/error?code=50097")

    def test_errors_that_say_the_same_are_shown_once(self):
        found = self.explain("AADSTS50132: Session. AADSTS50133: Session.")
        self.assertEqual([each["key"] for each in found["findings"]], ["aadsts_50132"])

    def test_a_secret_comes_back_nowhere(self):
        found = self.explain("AADSTS7000215: Invalid client secret. client_secret=hunter2hunter2")
        self.assertEqual(found["findings"][0]["key"], "aadsts_7000215")
        self.assertNotIn("hunter2", str(found))

    def test_nothing_is_written(self):
        self.env.flush_all()
        before = self._rows_touched()
        self.explain("AADSTS50173: revoked, password=hunter2")
        self.env.flush_all()
        self.assertEqual(self._rows_touched(), before)

    def test_a_failure_reason_in_another_language_is_recognised(self):
        self.env["res.lang"]._activate_lang("nl_NL")
        entry = self.errors.search([("key", "=", "send_as_denied")])
        entry.with_context(lang="nl_NL").sudo().write({"cause": "Dit account mag dat niet doen."})
        (finding,) = self.explain("Fout: Dit account mag dat niet doen.")["findings"]
        self.assertEqual(finding["key"], "send_as_denied")

    def test_an_employee_may_ask_and_a_visitor_may_not(self):
        employee = new_test_user(self.env, "explain_employee", groups="base.group_user")
        found = self.errors.with_user(employee).explain("AADSTS50173: revoked")
        self.assertEqual(found["findings"][0]["key"], "aadsts_50173")
        portal = new_test_user(self.env, "explain_portal", groups="base.group_portal")
        for user in (portal, self.env.ref("base.public_user")):
            with self.assertRaises(AccessError):
                self.errors.with_user(user).explain("AADSTS50173: revoked")

    def test_anything_but_a_text_is_no_text(self):
        for value in (None, False, 5, ["AADSTS50173"], {"a": 1}):
            self.assertFalse(self.explain(value)["is_recognised"])

    def test_the_action_for_other_screens_carries_the_text_without_secrets(self):
        action = self.errors._action_explain("AADSTS50173: revoked password=hunter2")
        self.assertEqual((action["tag"], action["target"]), ("mail_oauth2_explain", "new"))
        self.assertEqual(action["params"], {"text": "AADSTS50173: revoked password=[…]"})

    def test_a_failure_reason_says_who_can_help_and_where_to_read_on(self):
        lines = self.errors._text(
            SignInNeededError("aadsts_50173", provider_text="AADSTS50173: revoked")
        ).splitlines()
        self.assertEqual(len(lines), 5)
        self.assertIn("withdrawn", lines[0])
        self.assertIn("Press Authenticate", lines[1])
        self.assertEqual(lines[2], "Who can help: The person who signs in or sends")
        self.assertTrue(lines[3].startswith("More: https://learn.microsoft.com/"))
        self.assertEqual(lines[4], "The provider says: AADSTS50173: revoked")

    def test_an_employee_reads_of_the_buttons_in_the_preferences(self):
        error = SignInNeededError("aadsts_50173")
        own = self.errors._explain_error(error, personal=True)["remedy"]
        company = self.errors._explain_error(error)["remedy"]
        self.assertIn("Open your preferences", own)
        self.assertNotIn("company form", own)
        self.assertIn("company form", company)
        self.assertIn("leave by themselves", own)

    def _rows_touched(self):
        """Return how many rows this transaction has written so far."""
        self.env.cr.execute(
            "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_xact_user_tables"
        )
        return self.env.cr.fetchone()
