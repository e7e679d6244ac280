from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.tests import new_test_user, tagged
from odoo.tools import SQL

from ..exceptions import SignInNeededError
from .common import SandboxCase


@tagged("post_install", "-at_install")
class TestMailboxStatus(SandboxCase):
    """The status block lists what is true now, and nothing that has ended."""

    def setUp(self):
        super().setUp()
        self.server = self.connected_server("oauth2_microsoft_graph", "erp@contoso.example")
        self.mailbox = self.server.oauth2_mailbox_id

    def labels(self):
        self.env.invalidate_all()
        return [row["label"] for row in self.mailbox._status_rows()]

    def kill_grant(self, user=None):
        """Let the provider end the grant, and somebody find out by pressing Status."""
        self.sandbox.post("grants/revoke", account="erp@contoso.example")
        with self.assertLogs("odoo.addons.mail_server_oauth2", "WARNING"):
            action = self.mailbox.with_user(user or self.env.user).action_status()
        self.env.invalidate_all()
        return action

    def administrator(self, login):
        companies = [(6, 0, self.company.ids)]
        return new_test_user(
            self.env,
            login,
            groups="base.group_system",
            company_id=self.company.id,
            company_ids=companies,
        )

    def test_living_grant_shows_its_dates_exactly_and_relatively(self):
        self.env.user.tz = "Asia/Tokyo"
        rows = {row["label"]: row for row in self.mailbox._status_rows()}
        row = rows["Access Token Valid Until"]
        moment = self.mailbox.access_valid_until
        self.assertEqual(row["moment"], f"{moment.isoformat()}Z")
        self.assertEqual(row["relative"], "in 1 hour")
        in_tokyo = moment + timedelta(hours=9)
        self.assertIn(in_tokyo.strftime("%M:%S"), row["value"])
        self.assertIn(str(in_tokyo.hour % 12 or 12), row["value"])
        self.assertIn("Would Expire Unused On", rows)

    def test_mailboxes_are_found_by_their_state(self):
        mailboxes = self.env["mail.oauth2.mailbox"]
        living = [("state", "in", ("connected", "attention"))]
        blocked = [("state", "not in", ("connected", "attention"))]
        self.assertIn(self.mailbox, mailboxes.search(living))
        self.assertNotIn(self.mailbox, mailboxes.search(blocked))
        self.kill_grant()
        self.assertNotIn(self.mailbox, mailboxes.search(living))
        self.assertIn(self.mailbox, mailboxes.search(blocked))

    def test_dead_grant_shows_no_dates_of_its_end(self):
        self.kill_grant()
        self.assertEqual(self.mailbox.state, "sign_in_needed")
        for label in ("Access Token Valid Until", "Would Expire Unused On"):
            self.assertNotIn(label, self.labels())
        self.assertIn("Authenticated On", self.labels())
        self.assertFalse(self.mailbox.expires_on)

    def test_mail_is_held_though_the_last_access_token_would_still_do(self):
        self.assertTrue(self.mailbox._access_token("graph"))
        self.kill_grant()
        with self.assertRaises(SignInNeededError):
            self.mailbox._access_token("graph")

    def test_what_has_just_been_is_not_to_come(self):
        now = fields.Datetime.now()
        with patch.object(fields.Datetime, "now", lambda: now):
            self.assertEqual(self.mailbox._distance_to(now), "1 second ago")

    def test_whoever_asked_for_the_status_is_not_told_twice(self):
        me, colleague = self.administrator("me"), self.administrator("colleague")
        told = self.env["res.users"].browse()

        def note(user, kind, *_message):
            nonlocal told
            told |= user if kind == "mail_server_oauth2.incident" else told

        with patch.object(self.env.registry["res.users"], "_bus_send", note):
            action = self.kill_grant(me)
        self.assertEqual(action["params"]["type"], "danger")
        self.assertIn(colleague, told)
        self.assertNotIn(me, told)
        self.assertLessEqual(me | colleague, self.mailbox.activity_ids.user_id)

    def test_next_expiry_is_what_ends_first(self):
        self.assertEqual(self.mailbox.expires_on, self.mailbox.unused_until)
        self.assertIn("Sign-in", self.mailbox.expires_what)
        self.microsoft_app.client_secret_expires_on = fields.Date.today() + timedelta(days=40)
        self.env.invalidate_all()
        self.assertEqual(self.mailbox.expires_on.date(), fields.Date.today() + timedelta(days=40))
        self.assertEqual(self.mailbox.expires_what, "Client secret")

    def test_mails_are_counted_whose_company_nobody_noted(self):
        author = new_test_user(
            self.env, "clerk", company_id=self.company.id, company_ids=[(6, 0, self.company.ids)]
        )
        document = self.env["res.partner"].create({"name": "A", "company_id": self.company.id})
        of_document = {"model": document._name, "res_id": document.id}
        for values in (of_document, {}):
            before = self.mailbox.mails_failed
            mail = self.queue_mail(
                state="exception", record_company_id=False, email_from="a@example.com", **values
            )
            if not values:
                self.env.flush_all()
                for table, record in (("mail_message", mail.mail_message_id), ("mail_mail", mail)):
                    query = SQL("UPDATE %s SET create_uid = %s", SQL.identifier(table), author.id)
                    self.env.cr.execute(SQL("%s WHERE id = %s", query, record.id))
            self.env.invalidate_all()
            self.assertEqual(mail._sending_company(), self.company)
            self.assertEqual(self.mailbox.mails_failed, before + 1)

    def test_a_list_of_mailboxes_counts_mails_with_one_query(self):
        addresses = [f"box{number}@contoso.example" for number in range(3)]
        others = self.mailbox.create(
            [{"address": address, "app_id": self.microsoft_app.id} for address in addresses]
        )
        servers = self.server.create(
            [
                {
                    "name": box.address,
                    "smtp_authentication": "oauth2_microsoft_graph",
                    "smtp_encryption": "starttls_strict",
                    "oauth2_mailbox_id": box.id,
                }
                for box in others
            ]
        )
        self.queue_mail(mail_server_id=servers[1].id)
        mailboxes = self.mailbox + others
        self.env.flush_all()
        self.env.invalidate_all()
        mails, groups = self.env.registry["mail.mail"], []

        def read_group(model, *arguments, **options):
            groups.append(arguments)
            return original(model, *arguments, **options)

        original = mails._read_group
        with patch.object(mails, "_read_group", read_group):
            waiting = {box.address: box.mails_queued for box in mailboxes}
        self.assertEqual(len(groups), 1)
        self.assertEqual(waiting.pop(addresses[1]), 1)
        self.assertEqual(set(waiting.values()), {0})

    def test_mails_are_counted_as_waiting_held_or_failed(self):
        for held_by, state in ((False, "outgoing"), (self.server.id, "outgoing")):
            self.queue_mail(state=state, oauth2_held_by_id=held_by)
        failed = self.queue_mail(state="exception", mail_server_id=self.server.id)
        self.queue_mail(state="sent")
        self.queue_mail(record_company_id=self.env.ref("base.main_company").id)
        box = self.mailbox
        self.env.invalidate_all()
        self.assertEqual((box.mails_queued, box.mails_held, box.mails_failed), (1, 1, 1))
        self.assertLessEqual({"Mails Waiting", "Mails Held", "Mails Failed"}, set(self.labels()))
        failed.unlink()
        self.assertNotIn("Mails Failed", self.labels())

    def test_removing_tells_of_waiting_and_held_mails(self):
        self.queue_mail()
        self.queue_mail(oauth2_held_by_id=self.server.id)
        dialogue = self.env["mail.oauth2.disconnect"].create({"mailbox_id": self.mailbox.id})
        self.assertEqual(dialogue.mails_waiting, 2)

    def test_block_names_the_state_in_words(self):
        self.assertIn("Connected", self.mailbox.status_html)
        self.assertIn('data-state="connected"', self.mailbox.status_html)
