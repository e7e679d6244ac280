"""Remove ends the connection, after it has said what that means."""

import pytest
from playwright.sync_api import expect

from fresh_state import MAILBOX


def test_removes_the_connection_and_says_where_microsofts_permission_ends(connected_form):
    connected_form.open_remove()
    expect(connected_form.dialog).to_contain_text("can no longer send through it")
    expect(connected_form.dialog).to_contain_text("Microsoft offers no way")
    connected_form.press("action_disconnect")
    connected_form.expect_state("disconnected")
    expect(connected_form.button("action_email_server_test_mail")).to_have_count(0)
    connected_form.connect(MAILBOX["microsoft"], first=False)


def test_keeps_the_connection_when_the_person_thinks_twice(connected_form):
    connected_form.open_remove()
    connected_form.dialog.get_by_role("button", name="Keep it").click()
    expect(connected_form.dialog).to_have_count(0)
    connected_form.expect_state("connected")


@pytest.mark.google
def test_revokes_the_permission_at_google(state, company_form, sandbox):
    state.connect("oauth2_google_smtp")
    company_form.open().open_remove()
    expect(company_form.dialog).to_contain_text("Google is told to revoke")
    company_form.press("action_disconnect")
    expect(company_form.notification("success")).to_contain_text("revoked at the provider")
    company_form.expect_state("disconnected")
    assert sandbox.live_grants(MAILBOX["google"]) == []
