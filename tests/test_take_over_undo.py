from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged
from odoo.tools import file_open

from .core_servers import ERIN, TakeOverCase

MICROSOFT_SMTP = "oauth2_microsoft_smtp"
GRAPH = "oauth2_microsoft_graph"


@tagged("post_install", "-at_install")
class TestUndoTakeOver(TakeOverCase):
    """The way back, for as long as it is open."""

    def test_undo_restores_the_server_exactly(self):
        for make in (self.outlook_server, self.gmail_server):
            server = make(from_filter="contoso.example", smtp_port=2525)
            before = self.state_of(server)
            self.taken_over(server)
            self.assertNotEqual(self.state_of(server), before)
            server.action_undo_take_over()
            self.env.invalidate_all()
            self.assertEqual(self.state_of(server), before)
            self.assertFalse(server.take_over_ids)

    def test_core_can_send_again_after_undo(self):
        server = self.outlook_server()
        self.taken_over(server)
        server.action_undo_take_over()
        self.env.flush_all()
        answer = server._fetch_outlook_access_token(server.microsoft_outlook_refresh_token)
        self.assertTrue(answer[1])

    def test_undo_forgets_the_mailbox_that_was_made(self):
        server = self.outlook_server()
        self.taken_over(server)
        mailbox = server.oauth2_mailbox_id
        grant = mailbox._grant_sudo()
        server.action_undo_take_over()
        self.env.flush_all()
        self.assertFalse(mailbox.exists())
        self.assertFalse(grant.exists())

    def test_undo_revokes_nothing_at_google(self):
        server = self.gmail_server()
        token = server.google_gmail_refresh_token
        self.taken_over(server)
        server.action_undo_take_over()
        self.env.flush_all()
        grant = self.google_app._get_provider().import_refresh_token(token, resource="smtp")
        self.assertTrue(grant.tokens)

    def test_undo_leaves_a_mailbox_that_another_server_uses_now(self):
        server = self.outlook_server()
        self.taken_over(server)
        mailbox = server.oauth2_mailbox_id
        self.env["ir.mail_server"].create(
            {
                "name": "Another",
                "smtp_authentication": GRAPH,
                "oauth2_mailbox_id": mailbox.id,
                "active": False,
            }
        )
        server.action_undo_take_over()
        self.env.flush_all()
        self.assertEqual(mailbox.state, "connected")

    def test_undo_keeps_a_mailbox_that_was_there_before(self):
        mailbox = self.env["mail.oauth2.mailbox"].create(
            {"app_id": self.microsoft_app.id, "address": ERIN}
        )
        self.env.flush_all()
        server = self.outlook_server()
        self.taken_over(server)
        self.assertEqual(server.oauth2_mailbox_id, mailbox)
        server.action_undo_take_over()
        self.env.flush_all()
        self.assertTrue(mailbox.exists())

    def test_former_tokens_are_kept_encrypted_and_out_of_reach(self):
        server = self.outlook_server()
        token = server.microsoft_outlook_refresh_token
        self.taken_over(server)
        self.env.cr.execute("SELECT * FROM mail_oauth2_take_over")
        self.assertNotIn(token, repr(self.env.cr.fetchall()))
        administrator = new_test_user(self.env, "chief", groups="base.group_system")
        take_over = server.take_over_ids.with_user(administrator)
        self.assertTrue(take_over.read(["server_id"]))
        with self.assertRaises(AccessError):
            take_over.read(["previous_encrypted"])

    def test_confirming_forgets_the_way_back(self):
        server = self.outlook_server()
        self.taken_over(server)
        server.take_over_ids.action_confirm()
        self.assertFalse(server.take_over_ids)
        self.assertEqual(server.smtp_authentication, MICROSOFT_SMTP)

    def test_way_back_closes_after_thirty_days(self):
        early, late = self.outlook_server(), self.gmail_server()
        self.take_over(self.wizard(early, late))
        take_over = early.take_over_ids
        self.assertEqual((take_over.undo_until.date() - take_over.create_date.date()).days, 30)
        early.take_over_ids.undo_until = "2020-01-01"
        self.env["mail.oauth2.take.over"]._gc_expired()
        self.assertFalse(early.take_over_ids)
        self.assertTrue(late.take_over_ids)

    def test_neutralised_copy_holds_no_former_token(self):
        self.taken_over(self.outlook_server())
        with file_open("mail_server_oauth2/data/neutralize.sql") as file:
            self.env.cr.execute(file.read())
        self.env.cr.execute("SELECT count(*) FROM mail_oauth2_take_over")
        self.assertEqual(self.env.cr.fetchone(), (0,))

    def test_only_administrators_take_over_and_undo(self):
        server = self.outlook_server()
        self.taken_over(server)
        employee = new_test_user(self.env, "employee", groups="base.group_user")
        take_over = server.take_over_ids.with_user(employee)
        for call in (take_over.action_undo, take_over.action_confirm):
            with self.assertRaises(AccessError):
                call()
        with self.assertRaises(AccessError):
            self.env["mail.oauth2.take.over.wizard"].with_user(employee).create({})
