"""The sandbox's device code flow."""

import re

import msal
import pytest
from sandbox_clients import ERP, SMTP_SEND, microsoft_token

pytest_plugins = ["sandbox_fixture"]


@pytest.fixture
def client(sandbox):
    return msal.PublicClientApplication(
        sandbox.microsoft["client_id"],
        authority=f"{sandbox.https}/{sandbox.microsoft['tenant']}",
        instance_discovery=False,
        http_client=sandbox.browser(),
    )


def poll(client, flow):
    return client.acquire_token_by_device_flow(flow, exit_condition=lambda flow: True)


def enter(sandbox, flow, **fields):
    data = {"code": flow["user_code"], "account": ERP, "decision": "accept", **fields}
    return sandbox.browser().post(flow["verification_uri"], data=data).text


def test_msal_gets_tokens_once_the_code_was_entered(sandbox, client):
    flow = client.initiate_device_flow([SMTP_SEND])
    assert flow["verification_uri"] == f"{sandbox.web}/devicelogin"
    assert (flow["expires_in"], flow["interval"]) == (900, 5)
    assert flow["user_code"] in flow["message"]
    waiting = poll(client, flow)
    assert (waiting["error"], waiting["error_codes"]) == ("authorization_pending", [70016])
    assert "You have signed in" in enter(sandbox, flow)
    assert poll(client, flow)["id_token_claims"]["preferred_username"] == ERP


def test_the_pages_ask_for_code_account_and_consent(sandbox, client):
    flow = client.initiate_device_flow([SMTP_SEND])
    browser, url = sandbox.browser(), flow["verification_uri"]
    assert 'data-testid="code"' in browser.get(url).text
    accounts = browser.post(url, data={"code": flow["user_code"].lower()}).text
    assert f'data-testid="account-{ERP}"' in accounts
    consent = browser.post(url, data={"code": flow["user_code"], "account": ERP}).text
    assert 'data-testid="accept"' in consent
    assert re.search(r'name="code" value="(\w+)"', consent)[1] == flow["user_code"]


def test_declining_and_waiting_too_long_have_their_own_errors(sandbox, client):
    declined, late = (
        client.initiate_device_flow([SMTP_SEND]),
        client.initiate_device_flow(["User.Read"]),
    )
    enter(sandbox, declined, decision="cancel")
    assert poll(client, declined)["error"] == "authorization_declined"
    sandbox.api("clock", {"advance": 901})
    assert poll(client, late)["error_codes"] == [70020]
    assert "did not work" in enter(sandbox, late)


def test_an_unknown_code_is_refused_at_both_ends(sandbox, client):
    answer = microsoft_token(
        sandbox,
        grant_type="urn:ietf:params:oauth:grant-type:device_code",
        device_code="made-up",
        client_secret=None,
    )
    assert answer.json()["error"] == "bad_verification_code"
    assert "did not work" in enter(sandbox, client.initiate_device_flow([SMTP_SEND]), code="NONE")


def test_a_client_that_allows_no_public_flows_learns_it_at_the_poll(sandbox, client):
    client_id = sandbox.microsoft["client_id"]
    sandbox.api("clients", {"client_id": client_id, "public": False})
    flow = client.initiate_device_flow([SMTP_SEND])
    answer = poll(client, flow)
    assert (answer["error"], answer["error_codes"]) == ("invalid_client", [7000218])
