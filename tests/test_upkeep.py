from datetime import timedelta

from odoo import fields
from odoo.tests import new_test_user, tagged

from ..exceptions import ConfigurationError, SignInNeededError, TransientError
from .common import SandboxCase

ERIN = "erp@contoso.example"


@tagged("post_install", "-at_install")
class TestUpkeep(SandboxCase):
    """Nobody has to look after a connection, and everybody hears in time when it breaks."""

    def setUp(self):
        super().setUp()
        self.mailbox = self.connected_server("oauth2_microsoft_graph", ERIN).oauth2_mailbox_id
        self.grant = self.mailbox._grant_sudo()
        self.administrator = new_test_user(
            self.env,
            "chief",
            groups="base.group_system",
            company_id=self.company.id,
            company_ids=[(6, 0, self.company.ids)],
        )

    def age(self, days):
        """Let the last use of the grant, and its access token, be that long ago."""
        self.grant.write(
            {
                "used_on": fields.Datetime.now() - timedelta(days=days),
                "access_tokens_encrypted": False,
                "revision": "aged",
            }
        )
        self.env.flush_all()

    def refreshes(self):
        return len(self.sandbox.token_calls(grant_type="refresh_token"))

    def run_daily_job(self):
        self.env["mail.oauth2.mailbox"]._cron_keep_alive()
        self.env.invalidate_all()

    def test_quiet_mailbox_is_renewed_after_a_week(self):
        self.age(8)
        before = self.refreshes()
        self.run_daily_job()
        self.assertEqual(self.refreshes(), before + 1)
        self.assertLess(fields.Datetime.now() - self.grant.used_on, timedelta(minutes=1))

    def test_busy_mailbox_is_left_alone(self):
        self.age(6)
        before = self.refreshes()
        self.run_daily_job()
        self.assertEqual(self.refreshes(), before)

    def test_daily_job_goes_on_after_a_mailbox_in_trouble(self):
        other = self.create_server("oauth2_google_smtp", "erp@northwind.example").oauth2_mailbox_id
        self.connect(other)
        self.age(8)
        other._grant_sudo().used_on = fields.Datetime.now() - timedelta(days=8)
        other._grant_sudo().write({"access_tokens_encrypted": False, "revision": "aged"})
        self.env.flush_all()
        self.sandbox.fault("microsoft.token", "html", times=None)
        self.run_daily_job()
        self.assertEqual(self.mailbox.state, "connected")
        self.assertLess(fields.Datetime.now() - other._grant_sudo().used_on, timedelta(minutes=1))

    def test_attention_before_the_grant_ends_unused(self):
        self.age(80)
        self.env.invalidate_all()
        self.assertEqual(self.mailbox.state, "attention")

    def test_secret_that_ends_is_announced_once_for_each_warning(self):
        app = self.microsoft_app
        counts = []
        for days in (40, 30, 29, 14, 7, 1, 0):
            app.client_secret_expires_on = fields.Date.today() + timedelta(days=days)
            app.secret_warning_given = {40: 0, 30: 0, 29: 30, 14: 30, 7: 14, 1: 7, 0: 1}[days]
            before = len(self.mailbox.activity_ids)
            self.run_daily_job()
            counts.append(len(self.mailbox.activity_ids) > before)
        self.assertEqual(counts, [False, True, False, True, True, True, False])

    def test_everybody_hears_once_of_a_secret_that_ends(self):
        addresses = [f"box{number}@contoso.example" for number in range(3)]
        others = self.mailbox.create(
            [
                {"address": address, "app_id": self.microsoft_app.id, "company_id": self.company.id}
                for address in addresses
            ]
        )
        self.microsoft_app.client_secret_expires_on = fields.Date.today() + timedelta(days=7)
        self.run_daily_job()
        activities = (self.mailbox + others).activity_ids
        told = activities.filtered(lambda activity: activity.user_id == self.administrator)
        self.assertEqual(len(told), 1)

    def test_new_date_starts_the_warnings_anew(self):
        self.microsoft_app.secret_warning_given = 1
        self.microsoft_app.client_secret_expires_on = fields.Date.today() + timedelta(days=700)
        self.assertEqual(self.microsoft_app.secret_warning_given, 0)

    def break_grant(self):
        self.age(1)
        self.sandbox.fault("microsoft.token", "error", code="50173", error="invalid_grant")
        try:
            self.mailbox._access_token("graph")
        except SignInNeededError:
            self.env.invalidate_all()
            return
        self.fail("A revoked grant handed out a token")

    def incidents(self):
        warning = self.env.ref("mail.mail_activity_data_warning")
        return self.mailbox.activity_ids.filtered(lambda a: a.activity_type_id == warning)

    def test_dead_grant_is_announced_once_per_incident_and_its_end_too(self):
        self.break_grant()
        self.assertEqual(self.mailbox.state, "sign_in_needed")
        self.assertEqual(
            len(self.incidents().filtered(lambda a: a.user_id == self.administrator)), 1
        )
        announced = self.incidents()
        for _again in range(3):
            with self.assertRaises(SignInNeededError):
                self.mailbox._access_token("graph")
        self.assertEqual(self.incidents(), announced)
        self.connect(self.mailbox)
        self.assertFalse(self.incidents())
        self.break_grant()
        self.assertTrue(self.incidents())

    def mails_about_the_mailbox(self):
        about = [("model", "=", self.mailbox._name), ("res_id", "=", self.mailbox.id)]
        return self.env["mail.mail"].search(about)

    def let_another_server_stand_in(self):
        other = self.env["ir.mail_server"].create(
            {"name": "Other", "smtp_host": "mail.contoso.example", "company_id": self.company.id}
        )
        self.mailbox.server_ids.oauth2_fallback_id = other

    def test_nobody_is_mailed_through_the_mailbox_that_cannot_send(self):
        self.break_grant()
        self.assertTrue(self.incidents())
        self.assertFalse(self.mails_about_the_mailbox())

    def test_people_are_mailed_where_another_server_stands_in(self):
        self.let_another_server_stand_in()
        self.break_grant()
        self.assertTrue(self.mails_about_the_mailbox())

    def test_mail_about_an_incident_does_not_arrive_after_its_end(self):
        self.let_another_server_stand_in()
        self.break_grant()
        mails = self.mails_about_the_mailbox()
        self.assertTrue(mails)
        mails.write({"state": "outgoing", "oauth2_held_by_id": self.mailbox.server_ids.id})
        self.connect(self.mailbox)
        self.assertEqual(set(mails.mapped("state")), {"cancel"})

    def test_incident_that_could_not_be_announced_is_by_the_daily_job(self):
        self.break_grant()
        self.incidents().unlink()
        self.run_daily_job()
        self.assertTrue(self.incidents())

    def test_status_finds_out_that_a_refused_grant_works_again(self):
        self.break_grant()
        with self.sending():
            self.assertIsNone(self.mailbox._probe())
        self.assertEqual(self.mailbox.state, "connected")
        self.assertFalse(self.incidents())

    def test_passing_trouble_keeps_the_grant_and_tells_nobody(self):
        for kind in ("html", "half_json", "drop"):
            with self.subTest(kind=kind):
                self.age(1)
                self.grant.retry_on = False
                self.env.flush_all()
                self.sandbox.fault("microsoft.token", kind)
                try:
                    self.mailbox._access_token("graph")
                except TransientError:
                    self.env.invalidate_all()
                else:
                    self.fail("There was no trouble")
                self.assertEqual(self.mailbox.state, "connected")
                self.assertFalse(self.incidents())

    def test_token_endpoint_is_left_alone_for_as_long_as_it_asks(self):
        self.age(1)
        self.sandbox.fault("microsoft.token", "error", status=429, retry_after="120")
        for _again in range(3):
            try:
                self.mailbox._access_token("graph")
            except TransientError as error:
                self.assertAlmostEqual(error.retry_after, 120, delta=5)
        self.assertEqual(len(self.sandbox.token_calls(status=429)), 1)

    def test_configuration_error_is_forgotten_when_the_app_is_changed(self):
        self.age(1)
        self.microsoft_app.client_secret = "not the secret"
        self.env.flush_all()
        try:
            self.mailbox._access_token("graph")
        except ConfigurationError:
            self.env.invalidate_all()
        self.assertEqual(self.mailbox.state, "configuration_error")
        self.microsoft_app.client_secret = self.sandbox["microsoft"]["client_secret"]
        self.env.flush_all()
        self.env.cr.postcommit.run()
        self.env.invalidate_all()
        self.assertEqual(self.mailbox.state, "connected")
        self.assertTrue(self.mailbox._access_token("graph").value)
