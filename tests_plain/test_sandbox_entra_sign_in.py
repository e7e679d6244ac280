"""The sandbox's Entra ID in the browser: accounts, consent, and what never comes back."""

import jwt
import pytest
from sandbox_clients import ERP, SMTP_SEND, authorize_url, confidential_client, microsoft_token
from sandbox_process import REDIRECT_URI, SignInPage, callback_params

pytest_plugins = ["sandbox_fixture"]

SINGLE_TENANT = "5a4db0c5-0002-4000-8000-000000000002"


def sign_in_error(sandbox, url, account=ERP):
    with pytest.raises(SignInPage) as page:
        sandbox.sign_in(url, account)
    return page.value.error


def callback_error(sandbox, url, account=ERP, **consent):
    params = callback_params(sandbox.sign_in(url, account, **consent))
    assert params["state"] == "the-state"
    return params["error"], params["error_description"]


def test_msal_signs_in_and_gets_a_verifiable_id_token(sandbox):
    client = confidential_client(sandbox)
    flow = client.initiate_auth_code_flow(
        [SMTP_SEND, "Mail.Send"], redirect_uri=REDIRECT_URI, login_hint=ERP
    )
    callback = callback_params(sandbox.sign_in(flow["auth_uri"], ERP))
    result = client.acquire_token_by_auth_code_flow(flow, callback, scopes=[SMTP_SEND])

    assert result["scope"] == SMTP_SEND
    assert client.get_accounts()[0]["username"] == ERP
    keys = jwt.PyJWKSet.from_dict(
        sandbox.session.get(f"{sandbox.https}/common/discovery/v2.0/keys").json()
    )
    tenant = sandbox.microsoft["tenant"]
    claims = jwt.decode(
        result["id_token"],
        keys[jwt.get_unverified_header(result["id_token"])["kid"]],
        algorithms=["RS256"],
        audience=sandbox.microsoft["client_id"],
        issuer=f"{sandbox.https}/{tenant}/v2.0",
    )
    assert (claims["tid"], claims["preferred_username"]) == (tenant, ERP)


@pytest.mark.parametrize("tenant", ["common", "organizations", "contoso.example", ""])
def test_a_work_account_signs_in_under_every_name_of_its_tenant(sandbox, tenant):
    params = callback_params(sandbox.sign_in(authorize_url(sandbox, tenant), ERP))
    assert params["state"] == "the-state"
    assert "code" in params


def test_a_personal_account_needs_common_or_consumers(sandbox):
    pat = "pat@outlook.example"
    assert "code" in sandbox.sign_in(authorize_url(sandbox, "consumers"), pat)
    assert "code" in sandbox.sign_in(authorize_url(sandbox, "common"), pat)
    for tenant in ("", "organizations"):
        assert "AADSTS50020" in sign_in_error(sandbox, authorize_url(sandbox, tenant), pat)


@pytest.mark.parametrize(
    "tenant, number",
    [("nowhere.example", "AADSTS90002"), ("11111111-0000-4000-8000-000000000000", "AADSTS90002")],
)
def test_an_unknown_tenant_ends_on_a_page(sandbox, tenant, number):
    assert number in sign_in_error(sandbox, authorize_url(sandbox, tenant))


@pytest.mark.parametrize(
    "changes, number",
    [
        ({"redirect_uri": REDIRECT_URI + "/"}, "AADSTS50011"),
        ({"redirect_uri": REDIRECT_URI.replace("callback", "Callback")}, "AADSTS50011"),
        ({"redirect_uri": REDIRECT_URI.replace("http:", "https:")}, "AADSTS50011"),
        ({"redirect_uri": REDIRECT_URI.replace("localhost", "127.0.0.1")}, "AADSTS50011"),
        ({"redirect_uri": None}, "AADSTS50011"),
        ({"client_id": "00000000-0000-4000-8000-000000000000"}, "AADSTS700016"),
        ({"client_id": None}, "AADSTS900144"),
    ],
)
def test_a_wrong_redirect_uri_or_client_never_redirects(sandbox, changes, number):
    assert number in sign_in_error(sandbox, authorize_url(sandbox, **changes))


def test_the_port_of_localhost_does_not_count(sandbox):
    url = authorize_url(sandbox, redirect_uri=REDIRECT_URI.replace(":8069", ":12345"))
    assert sandbox.sign_in(url, ERP).startswith("http://localhost:12345/")


@pytest.mark.parametrize(
    "changes, error, number",
    [
        ({"response_type": "token"}, "unsupported_response_type", "AADSTS90013"),
        ({"scope": None}, "invalid_request", "AADSTS900144"),
        ({"scope": "Mail.Sendd"}, "invalid_scope", "AADSTS70011"),
        ({"scope": "https://other.example/SMTP.Send"}, "invalid_resource", "AADSTS500011"),
        ({"scope": "Mail.Send .default"}, "invalid_scope", "AADSTS70011"),
        ({"prompt": "none"}, "login_required", "AADSTS50058"),
    ],
)
def test_other_mistakes_go_back_to_the_client(sandbox, changes, error, number):
    got, description = callback_error(sandbox, authorize_url(sandbox, **changes))
    assert got == error
    assert description.startswith(number)


def test_a_single_tenant_app_is_refused_on_common(sandbox):
    url = authorize_url(sandbox, "common", client_id=SINGLE_TENANT)
    error, description = callback_error(sandbox, url)
    assert error == "invalid_request"
    assert description.startswith("AADSTS50194")


def test_cancelling_comes_back_as_access_denied(sandbox):
    error, description = callback_error(sandbox, authorize_url(sandbox), decision="cancel")
    assert error == "access_denied"
    assert description.startswith("AADSTS65004")


def test_login_hint_suggests_but_does_not_enforce(sandbox):
    url = authorize_url(sandbox, login_hint=ERP)
    page = sandbox.browser().get(url).text
    assert page.index(f'id="account-{ERP}"') < page.index('id="account-anna@contoso.example"')
    assert 'class="suggested"' in page
    assert "code" in sandbox.sign_in(url, "bert@contoso.example")


def test_shared_mailboxes_cannot_sign_in(sandbox):
    page = sandbox.browser().get(authorize_url(sandbox)).text
    assert "invoices@contoso.example" not in page
    error = sign_in_error(sandbox, authorize_url(sandbox), "invoices@contoso.example")
    assert "AADSTS50057" in error


def test_consent_is_asked_once_per_account_and_scopes(sandbox):
    browser = sandbox.browser()

    def pages(scope):
        before = sandbox.count("microsoft.authorize")
        url = authorize_url(sandbox, scope=scope)
        assert "code=" in sandbox.sign_in(url, ERP, browser=browser)
        return sandbox.count("microsoft.authorize") - before

    assert pages("openid Mail.Send") == 3
    assert pages("openid Mail.Send") == 2
    assert pages("openid Mail.Send Mail.Read") == 3


def test_the_browser_session_signs_in_silently_unless_a_choice_is_asked_for(sandbox):
    browser = sandbox.browser()
    sandbox.sign_in(authorize_url(sandbox), ERP, browser=browser)
    silent = browser.get(authorize_url(sandbox, prompt=None), allow_redirects=False)
    choice = browser.get(authorize_url(sandbox), allow_redirects=False)
    assert "code=" in silent.headers["Location"]
    assert "Pick an account" in choice.text


def test_response_mode_decides_how_the_code_travels(sandbox):
    fragment = sandbox.sign_in(authorize_url(sandbox, response_mode="fragment"), ERP)
    assert "#code=" in fragment
    with pytest.raises(SignInPage) as posted:
        sandbox.sign_in(authorize_url(sandbox, response_mode="form_post"), ERP)
    assert f'action="{REDIRECT_URI}"' in posted.value.response.text


def test_an_unassigned_user_and_a_disabled_one_stay_on_a_page(sandbox):
    client_id = sandbox.microsoft["client_id"]
    sandbox.api("clients", {"client_id": client_id, "assignment_required": True})
    assert "AADSTS50105" in sign_in_error(sandbox, authorize_url(sandbox))
    sandbox.api("clients", {"client_id": client_id, "assignment_required": False})
    sandbox.api("accounts", {"address": ERP, "enabled": False})
    assert "AADSTS50057" in sign_in_error(sandbox, authorize_url(sandbox))


# ---------------------------------------------------------------------- administrator consent


def test_where_an_administrator_must_consent_the_user_cannot(sandbox):
    sandbox.settings(admin_consent_required=True)
    browser, url = sandbox.browser(), authorize_url(sandbox)
    with pytest.raises(SignInPage) as page:
        sandbox.sign_in(url, ERP, browser=browser)
    assert 'data-testid="need-admin-approval"' in page.value.response.text
    back = browser.post(url, data={"account": ERP, "decision": "accept"}, allow_redirects=False)
    params = callback_params(back.headers["Location"])
    assert params["error"] == "access_denied"
    assert params["error_description"].startswith("AADSTS90094")


def admin_consent_url(sandbox, tenant="", **changes):
    return authorize_url(sandbox, tenant, **changes).replace(
        "oauth2/v2.0/authorize", "v2.0/adminconsent"
    )


def test_an_administrator_consents_for_everybody(sandbox):
    sandbox.settings(admin_consent_required=True)
    callback = sandbox.sign_in(admin_consent_url(sandbox), "anna@contoso.example")
    params = callback_params(callback)
    assert params["admin_consent"] == "True"
    assert params["tenant"] == sandbox.microsoft["tenant"]
    assert params["state"] == "the-state"
    assert "code=" in sandbox.sign_in(authorize_url(sandbox), ERP)


def test_nobody_else_can_consent_for_everybody(sandbox):
    assert "AADSTS90094" in sign_in_error(sandbox, admin_consent_url(sandbox))
    assert "AADSTS50059" in sign_in_error(sandbox, admin_consent_url(sandbox, "common"))


def test_an_administrator_may_decline(sandbox):
    callback = sandbox.sign_in(
        admin_consent_url(sandbox), "anna@contoso.example", decision="cancel"
    )
    assert callback_params(callback)["error"] == "consent_required"


def test_forgetting_consent_asks_again(sandbox):
    sandbox.sign_in(authorize_url(sandbox), ERP)
    sandbox.api("grants/revoke", {"account": ERP, "forget_consent": True})
    with pytest.raises(SignInPage):
        sandbox.sign_in(authorize_url(sandbox), ERP, decision="")
    assert sandbox.count("microsoft.token") == 0


def test_metadata_names_the_tenant_by_guid_and_authorize_by_plain_http(sandbox):
    get = sandbox.session.get
    path = "v2.0/.well-known/openid-configuration"
    tenant = sandbox.microsoft["tenant"]
    own = get(f"{sandbox.https}/contoso.example/{path}").json()
    shared = get(f"{sandbox.https}/common/{path}").json()
    unknown = get(f"{sandbox.https}/nowhere.example/{path}")
    assert own["issuer"] == f"{sandbox.https}/{tenant}/v2.0"
    assert own["authorization_endpoint"].startswith(f"{sandbox.web}/{tenant}/")
    assert own["token_endpoint"] == f"{sandbox.https}/{tenant}/oauth2/v2.0/token"
    assert shared["issuer"] == f"{sandbox.https}/{{tenantid}}/v2.0"
    assert (unknown.status_code, unknown.json()["error"]) == (400, "invalid_tenant")
    assert unknown.json()["error_codes"] == [90002]


def test_only_the_sign_in_pages_are_served_without_tls(sandbox):
    tenant = sandbox.microsoft["tenant"]
    for path in ("token", f"{tenant}/oauth2/v2.0/token", "v1.0/me/sendMail"):
        assert sandbox.session.post(f"{sandbox.web}/{path}").status_code == 404
    assert sandbox.session.get(f"{sandbox.web}/o/oauth2/v2/auth").status_code == 404
    assert microsoft_token(sandbox).status_code == 400
