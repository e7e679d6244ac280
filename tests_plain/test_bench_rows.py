"""The rows of the fault table and the mails they queue."""

from collections import Counter

from bench.fault_rows import rows
from bench.mail_plan import MOST_RECIPIENTS, partner_address, partners_needed, planned_mails
from bench.tables import markdown_table, plain_table


def test_rows_have_names_of_their_own():
    names = [row.name for row in rows()]
    assert len(set(names)) == len(names)


def test_every_transport_meets_faults_of_its_own_and_those_of_all():
    counts = Counter(row.transport.name for row in rows())
    # Only a fault that leaves a mail in doubt differs where Graph may be asked about it.
    assert counts.pop("Graph, may read") >= 5
    assert set(counts) == {"Microsoft SMTP", "Graph", "Gmail SMTP"}
    assert min(counts.values()) >= 10


def test_every_recipient_occurs_once():
    counts = Counter(address for mail in planned_mails(200) for address in mail.recipients)
    assert set(counts.values()) == {1}


def test_mails_are_of_every_kind():
    mails = planned_mails(50)
    assert max(len(mail.recipients) for mail in mails) == MOST_RECIPIENTS
    assert any(mail.cc for mail in mails)
    assert any(mail.to and mail.partners for mail in mails)
    assert any(mail.is_notification for mail in mails)
    assert any(mail.auto_delete for mail in mails)


def test_contacts_that_are_needed_are_those_that_are_used():
    used = {address for mail in planned_mails(37) for address in mail.partners}
    assert used == {partner_address(number) for number in range(partners_needed(37))}


def test_tables():
    headings, lines = ["fault", "lost"], [["none", "0"], ["401", "12"]]
    assert plain_table(headings, lines) == "fault  lost\nnone      0\n401      12"
    assert markdown_table(headings, lines) == (
        "| fault | lost |\n| --- | --- |\n| none | 0 |\n| 401 | 12 |"
    )
