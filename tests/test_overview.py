"""How administrators see what has left, and how they send again what has not."""

import ast
from datetime import timedelta
from unittest.mock import patch

from lxml import etree

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from ..wizard import mail_oauth2_retry
from .test_attempts import QueueCase

GRAPH = "oauth2_microsoft_graph"
ERIN = "erp@contoso.example"


class OverviewCase(QueueCase):
    def held_mail(self, **values):
        return self.queue_mail(oauth2_held_by_id=self.company.email_server_id.id, **values)

    def failed_mail(self, failure_type="mail_oauth2_refused", **values):
        return self.queue_mail(state="exception", failure_type=failure_type, **values)

    def unknown_mail(self):
        return self.failed_mail("mail_oauth2_unknown")


@tagged("post_install", "-at_install")
class TestOverview(OverviewCase):
    """Numbers of now, reasons of the last days, and the way to both."""

    def setUp(self):
        super().setUp()
        self.create_server(GRAPH, ERIN)
        self.attempts_model = self.env["mail.oauth2.attempt"]

    def attempt(self, outcome="accepted", error_key=None, minutes_ago=1, count=1, **values):
        rows = self.attempts_model.sudo().create(
            [
                {
                    "outcome": outcome,
                    "error_key": error_key,
                    "started_at": fields.Datetime.now() - timedelta(minutes=minutes_ago),
                    "company_id": self.company.id,
                    "recipient_count": 2,
                    **values,
                }
            ]
            * count
        )
        return rows.sudo(False)

    # ------------------------------------------------------------
    # MAILS
    # ------------------------------------------------------------

    def test_counts_the_mails_that_have_not_left_by_what_they_need(self):
        before = self.attempts_model.overview()["mails"]
        self.queue_mail()
        self.held_mail()
        self.failed_mail()
        self.failed_mail(False)
        self.unknown_mail()
        self.queue_mail(state="sent")
        after = self.attempts_model.overview()["mails"]
        new = {kind: after[kind] - before[kind] for kind in after}
        self.assertEqual(new, {"waiting": 1, "held": 1, "failed": 2, "unknown": 1})

    def test_filters_of_the_list_find_what_the_numbers_count(self):
        mails = self.env["mail.mail"]
        for mail in (self.queue_mail, self.held_mail, self.failed_mail, self.unknown_mail):
            mail()
        arch = etree.fromstring(mails.get_view(view_type="search")["arch"])
        for kind, domain in mails._queue_domains().items():
            (found,) = arch.xpath(f"//filter[@name='oauth2_{kind}']/@domain")
            self.assertEqual(mails.search(ast.literal_eval(found)), mails.search(domain), kind)

    def test_mails_of_a_mailbox_are_those_that_its_status_counts(self):
        mailbox = self.company.email_server_id.oauth2_mailbox_id
        held, failed = self.held_mail(), self.failed_mail()
        self.queue_mail(state="sent")
        action = mailbox.action_open_mails()
        found = self.env[action["res_model"]].search(action["domain"])
        self.assertEqual(found, held + failed)
        self.assertEqual(len(found), mailbox.mails_held + mailbox.mails_failed)

    def test_list_says_in_a_line_what_a_mail_needs_to_whom_it_goes_and_why(self):
        people = self.env["res.partner"].create({"name": "Ann", "email": "ann@example.com"})
        needs = {
            "waiting": self.queue_mail(),
            "held": self.held_mail(),
            "failed": self.failed_mail(failure_reason="Refused.\nTry another address."),
            "unknown": self.unknown_mail(),
            False: self.queue_mail(state="sent"),
        }
        for need, mail in needs.items():
            self.assertEqual(mail.oauth2_need, need)
        mail = needs["failed"]
        mail.write({"email_to": "bert@example.com", "recipient_ids": [(4, people.id)]})
        self.assertEqual(mail.oauth2_recipient_line, "bert@example.com, ann@example.com")
        self.assertEqual(mail.oauth2_reason_line, "Refused.")

    def test_other_recipients_of_a_mail_are_one_click_away(self):
        mail = self.failed_mail()
        one, other = self.queue_mail(), self.queue_mail()
        self.assertFalse(mail.oauth2_has_parts)
        (one + other).oauth2_origin_ref = mail.id
        self.env.invalidate_all()
        for part, others in ((mail, one + other), (one, mail + other)):
            self.assertTrue(part.oauth2_has_parts)
            self.assertEqual(part.search(part.action_oauth2_open_parts()["domain"]), others)

    # ------------------------------------------------------------
    # ATTEMPTS
    # ------------------------------------------------------------

    def test_attempt_to_open_the_mailbox_is_about_all_its_mails(self):
        of_all = self.attempt("held", mail_ref=0, recipients=False)
        of_one = self.attempt("refused", mail_ref=7, recipients="a@example.com\nb@example.com")
        self.assertEqual(of_all.recipient_line, "All mails of the mailbox")
        self.assertEqual(of_one.recipient_line, "a@example.com, b@example.com")

    def test_counts_what_was_accepted_within_a_day(self):
        before = self.attempts_model.overview()["sent"]
        self.attempt(count=3)
        self.attempt("refused")
        self.attempt(minutes_ago=25 * 60)
        self.assertEqual(self.attempts_model.overview()["sent"], before + 3)

    def test_most_frequent_reasons_of_a_week_come_first_in_words(self):
        for count, key in enumerate(("no_mailbox", "send_as_denied", "recipient_unknown"), 11):
            self.attempt("refused", key, count=count)
        self.attempt("refused", "message_too_large", count=10)
        self.attempt("refused", "message_too_large", count=10, minutes_ago=8 * 24 * 60)
        reasons = self.attempts_model.overview()["reasons"]
        self.assertEqual([reason["count"] for reason in reasons], [13, 12, 11])
        entry = self.env.ref("mail_server_oauth2.error_recipient_unknown")
        self.assertEqual(reasons[0], {"id": entry.id, "cause": entry.display_name, "count": 13})
        self.assertNotIn("%(", " ".join(reason["cause"] for reason in reasons))
        self.assertNotEqual(entry.display_name, entry.key)

    def test_attempts_of_other_companies_are_not_counted(self):
        other = self.env["res.company"].create({"name": "Fabrikam"})
        administrator = new_test_user(
            self.env,
            "me",
            groups="base.group_system",
            company_id=self.company.id,
            company_ids=[(6, 0, self.company.ids)],
        )
        mine = self.attempts_model.with_user(administrator)
        before = mine.overview()["sent"]
        self.attempt(company_id=other.id)
        self.attempt()
        self.assertEqual(mine.overview()["sent"], before + 1)

    def test_names_the_mailboxes_that_need_a_person(self):
        mailbox = self.company.email_server_id.oauth2_mailbox_id
        (row,) = self.attempts_model.overview()["mailboxes"]
        self.assertEqual((row["id"], row["address"]), (mailbox.id, ERIN))
        self.assertEqual(row["state"], "disconnected")
        self.connect(mailbox)
        self.assertFalse(self.attempts_model.overview()["mailboxes"])

    def test_is_for_administrators(self):
        employee = new_test_user(self.env, "bert")
        with self.assertRaises(AccessError):
            self.attempts_model.with_user(employee).overview()

    def test_attempts_are_grouped_by_reason(self):
        self.attempt("later", "graph_throttled", count=2)
        self.attempt("refused", "send_as_denied")
        domain = [("company_id", "=", self.company.id)]
        groups = self.attempts_model.formatted_read_group(
            domain, ["error_id"], ["__count", "recipient_count:sum"], order="__count DESC"
        )
        entry = self.env.ref("mail_server_oauth2.error_graph_throttled")
        self.assertEqual(groups[0]["error_id"], (entry.id, entry.display_name))
        self.assertEqual((groups[0]["__count"], groups[0]["recipient_count:sum"]), (2, 4))
        found = self.attempts_model.search([*domain, *groups[0]["__extra_domain"]])
        self.assertEqual(set(found.mapped("error_key")), {"graph_throttled"})

    def test_attempts_are_grouped_by_day_mailbox_and_outcome(self):
        self.attempt(count=2, mailbox_id=self.company.email_server_id.oauth2_mailbox_id.id)
        groups = self.attempts_model.formatted_read_group(
            [("company_id", "=", self.company.id)],
            ["started_at:day", "mailbox_id", "outcome", "error_id"],
            ["__count"],
        )
        self.assertEqual([group["__count"] for group in groups], [2])
        self.assertFalse(groups[0]["error_id"])

    def test_reason_can_be_searched_by_its_words(self):
        denied = self.attempt("refused", "send_as_denied")
        accepted = self.attempt()
        mine = [("id", "in", (denied + accepted).ids)]
        cause = denied.error_id.cause
        for operator, value, found in (
            ("ilike", cause, denied),
            ("=", denied.error_id.id, denied),
            ("!=", False, denied),
            ("=", False, accepted),
        ):
            domain = [*mine, ("error_id", operator, value)]
            self.assertEqual(self.attempts_model.search(domain), found, domain)

    def test_attempt_leads_to_its_mail_while_there_is_one(self):
        mail = self.failed_mail()
        attempt = self.attempt("refused", "send_as_denied", mail_ref=mail.id)
        gone = self.attempt(mail_ref=0)
        self.assertEqual((attempt + gone).mapped("mail_exists"), [True, False])
        self.assertEqual(attempt.action_open_mail()["res_id"], mail.id)

    def test_attempt_is_called_by_its_recipients(self):
        mailbox = self.company.email_server_id.oauth2_mailbox_id
        one = self.attempt(recipients="ann@example.com\nbob@example.com\ncat@example.com")
        nobody = self.attempt("held", mailbox_id=mailbox.id)
        self.assertEqual(one.display_name, "ann@example.com, +2")
        self.assertEqual(nobody.display_name, ERIN)


@tagged("post_install", "-at_install")
class TestRetry(OverviewCase):
    """Many mails go again in batches; what may have been delivered never does."""

    def setUp(self):
        super().setUp()
        self.create_server(GRAPH, ERIN)

    def wizard(self, mails):
        action = mails.action_oauth2_retry()
        return self.env[action["res_model"]].browse(action["res_id"])

    def run_all(self, wizard):
        """Ask for batch after batch, as the dialogue does; return how many there were."""
        done = batches = 0
        while done < len(wizard.mail_refs):
            done = wizard.run_batch(done)["done"]
            batches += 1
        return batches

    def test_plan_says_what_will_be_sent_and_what_not(self):
        mails = self.failed_mail() + self.failed_mail() + self.held_mail() + self.unknown_mail()
        mails += self.queue_mail() + self.queue_mail(state="sent")
        plan = self.wizard(mails).plan()
        mailbox = self.company.email_server_id.oauth2_mailbox_id
        (blocked,) = plan.pop("blocked")
        self.assertEqual(blocked, {"id": mailbox.id, "address": ERIN, "label": "Not connected"})
        self.assertEqual(plan, {"total": 6, "failed": 2, "held": 1, "unknown": 1, "other": 2})
        self.assertEqual(set(mails[:2].mapped("state")), {"exception"}, "nothing is done yet")
        self.assertTrue(mails[2].oauth2_held_by_id)

    def test_mailbox_that_can_send_is_no_warning(self):
        self.connect(self.company.email_server_id.oauth2_mailbox_id)
        self.assertFalse(self.wizard(self.held_mail()).plan()["blocked"])

    def test_failed_and_held_mails_go_again(self):
        failed, held = self.failed_mail(failure_reason="Refused"), self.held_mail()
        held.scheduled_date = fields.Datetime.now() + timedelta(hours=1)
        result = self.wizard(failed + held).run_batch(0)
        self.assertEqual(result, {"done": 2, "sent_again": 2})
        for mail in failed + held:
            self.assertEqual(mail.state, "outgoing")
            self.assertFalse(mail.scheduled_date)
            self.assertFalse(mail.failure_reason)
            self.assertFalse(mail.oauth2_held_by_id)

    def test_what_may_have_been_delivered_stays_as_it_is(self):
        unknown = self.unknown_mail()
        self.assertEqual(self.wizard(unknown).run_batch(0)["sent_again"], 0)
        self.assertEqual(unknown.state, "exception")

    def test_mail_whose_turn_comes_by_itself_keeps_its_time(self):
        later = fields.Datetime.now() + timedelta(hours=2)
        mail = self.queue_mail(scheduled_date=later, oauth2_attempts=3)
        before = mail.scheduled_date
        self.wizard(mail).run_batch(0)
        self.assertEqual((mail.scheduled_date, mail.oauth2_attempts), (before, 3))

    def test_each_batch_touches_its_own_mails_only(self):
        mails = self.env["mail.mail"].union(*(self.failed_mail() for _number in range(5)))
        wizard = self.wizard(mails)
        with patch.object(mail_oauth2_retry, "BATCH", 2):
            self.assertEqual(wizard.run_batch(0), {"done": 2, "sent_again": 2})
            self.assertEqual(mails.mapped("state"), ["outgoing"] * 2 + ["exception"] * 3)
            self.assertEqual(self.run_all(wizard), 3)
        self.assertEqual(set(mails.mapped("state")), {"outgoing"})

    def test_batch_that_is_asked_for_twice_does_nothing_the_second_time(self):
        mail = self.failed_mail()
        wizard = self.wizard(mail)
        wizard.run_batch(0)
        mail.oauth2_attempts = 2
        self.assertEqual(wizard.run_batch(0), {"done": 1, "sent_again": 0})
        self.assertEqual(mail.oauth2_attempts, 2)

    def test_mail_that_is_gone_meanwhile_is_passed_over(self):
        gone, mail = self.failed_mail(), self.failed_mail()
        wizard = self.wizard(gone + mail)
        gone.unlink()
        self.assertEqual(wizard.plan()["other"], 1)
        self.assertEqual(wizard.run_batch(0), {"done": 2, "sent_again": 1})

    def test_queue_is_woken_only_where_there_is_something_to_send(self):
        cron = self.env.ref("mail.ir_cron_mail_scheduler_action")
        triggers = self.env["ir.cron.trigger"].sudo()
        triggers.search([("cron_id", "=", cron.id)]).unlink()
        self.wizard(self.unknown_mail()).run_batch(0)
        self.assertFalse(triggers.search_count([("cron_id", "=", cron.id)]))
        self.wizard(self.failed_mail()).run_batch(0)
        self.assertTrue(triggers.search_count([("cron_id", "=", cron.id)]))

    def test_all_mails_of_a_kind_can_be_chosen_at_once(self):
        mine = self.held_mail() + self.held_mail()
        self.queue_mail()
        action = self.env["mail.mail"].action_oauth2_retry_kind("held")
        wizard = self.env[action["res_model"]].browse(action["res_id"])
        self.assertLessEqual(set(mine.ids), set(wizard.mail_refs))
        self.assertFalse(wizard.plan()["other"])

    def test_is_for_administrators(self):
        employee = new_test_user(self.env, "bert")
        with self.assertRaises(AccessError):
            self.wizard(self.failed_mail()).with_user(employee).run_batch(0)

    def test_retry_after_giving_up_has_the_whole_time_again(self):
        """The button on core's form and list calls ``mark_outgoing``."""
        mail = self.failed_mail("mail_oauth2_given_up")
        mail.oauth2_waiting_since = fields.Datetime.now() - timedelta(hours=60)
        mail.mark_outgoing()
        self.send(mail)
        self.assertEqual(mail.state, "outgoing")
