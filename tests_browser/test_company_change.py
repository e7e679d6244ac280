"""A change that is not saved yet says what it will do, and shows nothing that is not so."""

from playwright.sync_api import expect

from fresh_state import MAILBOX


def change_note(company_form):
    return company_form.field("email_server_change")


def test_another_type_is_not_shown_as_connected(connected_form):
    expect(change_note(connected_form)).to_have_count(0)
    connected_form.choose_type("oauth2_google_smtp")
    connected_form.fill("email_server_address", MAILBOX["google"])
    connected_form.field("email_server_host").locator("input").focus()  # leave the field
    expect(change_note(connected_form)).to_contain_text("Until you save")
    expect(change_note(connected_form)).to_contain_text(
        f"{MAILBOX['microsoft']} (Microsoft) is no longer used"
    )
    expect(change_note(connected_form)).to_contain_text(MAILBOX["google"])
    expect(connected_form.status_block).to_have_count(0)
    expect(connected_form.button("action_email_server_authenticate")).to_have_text("Authenticate")
    for button in ("disconnect", "status", "test_mail"):
        expect(connected_form.button(f"action_email_server_{button}")).to_have_count(0)
    connected_form.choose_type("oauth2_microsoft_graph")
    connected_form.fill("email_server_address", MAILBOX["microsoft"])
    connected_form.field("email_server_max_size").locator("input").focus()
    connected_form.expect_state("connected")
    expect(change_note(connected_form)).to_have_count(0)
    connected_form.discard()


def test_another_way_to_the_same_mailbox_asks_for_one_more_permission(connected_form):
    connected_form.choose_type("oauth2_microsoft_smtp")
    expect(change_note(connected_form)).to_contain_text("stays signed in")
    connected_form.save()
    connected_form.open()
    connected_form.connect(MAILBOX["microsoft"])
    connected_form.send_test_mail("customer@example.com")


def test_status_of_a_grant_that_has_just_died_says_so_once(connected_form, sandbox, page):
    sandbox.revoke(MAILBOX["microsoft"])
    connected_form.status()
    connected_form.expect_state("sign_in_needed")
    expect(connected_form.notification("danger")).to_contain_text("withdrawn")
    expect(page.locator(".o_notification")).to_have_count(1)
    for row in ("Access Token Valid Until", "Would Expire Unused On"):
        expect(connected_form.status_block).not_to_contain_text(row)
