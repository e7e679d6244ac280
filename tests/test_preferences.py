from datetime import timedelta

from odoo import fields
from odoo.tests import tagged

from .test_security_attacks import BERT, AttackCase


@tagged("post_install", "-at_install")
class TestPreferences(AttackCase):
    """The preferences show the own mailbox, whatever has become of it."""

    def begin_to_connect(self):
        """Choose a type in the preferences; the browser is at the provider now."""
        users = self.as_user(self.owner, "res.users")
        users.action_setup_outgoing_mail_server("oauth2_microsoft_graph")
        self.env.flush_all()
        self.env.invalidate_all()

    def shown(self, user=None):
        self.env.invalidate_all()
        return self.owner.with_user(user or self.owner).outgoing_mailbox_state

    def test_sign_in_that_nobody_finished_is_shown(self):
        self.assertFalse(self.shown())
        self.begin_to_connect()
        self.assertEqual(self.shown(), "pending")
        action = self.owner.with_user(self.owner).action_authenticate_own_mailbox()
        self.assertEqual(action["type"], "ir.actions.act_url")

    def test_connected_mailbox_is_shown_and_asked_about(self):
        self.personal_mailbox()
        self.assertEqual(self.shown(), "connected")
        action = self.owner.with_user(self.owner).action_status_own_mailbox()
        self.assertEqual(action["params"]["type"], "success")
        self.assertEqual(action["params"]["title"], BERT)

    def test_others_see_nothing_of_it(self):
        self.personal_mailbox()
        self.assertFalse(self.shown(self.administrator))

    def test_disconnecting_lets_mail_leave_through_the_companys_server(self):
        mailbox = self.personal_mailbox()
        server = mailbox.server_ids
        later = fields.Datetime.now() + timedelta(days=1)
        held = self.queue_mail(oauth2_held_by_id=server.id, scheduled_date=later)
        dialogue = self.as_user(self.owner, "mail.oauth2.disconnect").create(
            {"mailbox_id": mailbox.id}
        )
        self.assertTrue(dialogue.is_personal)
        dialogue.action_disconnect()
        self.env.invalidate_all()
        self.assertFalse(server.exists())
        self.assertFalse(self.owner.outgoing_mail_server_id)
        self.assertFalse(held.scheduled_date or held.oauth2_held_by_id)
        self.assertEqual(held.state, "outgoing")
        self.assertFalse(self.shown())

    def test_disconnecting_the_companys_mailbox_keeps_its_server(self):
        dialogue = self.env["mail.oauth2.disconnect"].create({"mailbox_id": self.mailbox.id})
        self.assertFalse(dialogue.is_personal)
        dialogue.action_disconnect()
        self.assertTrue(self.server.exists())
