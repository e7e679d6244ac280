"""The sandbox's Google OAuth: sign-in pages, tokens, revoking, what it tells of a token."""

import google.auth.exceptions
import pytest
from google.auth.transport.requests import Request
from google.oauth2 import id_token
from google.oauth2.credentials import Credentials
from oauthlib.oauth2.rfc6749.errors import CustomOAuth2Error, InvalidGrantError
from sandbox_clients import (
    GMAIL,
    GOOGLE_ERP,
    GOOGLE_SCOPES,
    google_flow,
    google_grant,
    google_token,
    pkce,
)
from sandbox_process import REDIRECT_URI, SignInPage, callback_params

pytest_plugins = ["sandbox_fixture"]

EMAIL = "https://www.googleapis.com/auth/userinfo.email"
GINA, GUS = "gina@northwind.example", "gus@gmail.example"


def authorize_url(sandbox, **changes):
    flow = google_flow(sandbox)
    url, _ = flow.authorization_url(state="the-state", prompt="select_account")
    for name, value in changes.items():
        separator = "&" if value is not None else ""
        url = _without(url, name) + separator + (f"{name}={value}" if value is not None else "")
    return url


def _without(url, name):
    base, _, query = url.partition("?")
    kept = [part for part in query.split("&") if not part.startswith(f"{name}=")]
    return f"{base}?{'&'.join(kept)}"


def page_error(sandbox, url, account=GOOGLE_ERP):
    with pytest.raises(SignInPage) as page:
        sandbox.sign_in(url, account)
    return page.value.response.status_code, page.value.error


def code_for(sandbox, account=GOOGLE_ERP, **changes):
    changes = {"code_challenge": None, "code_challenge_method": None, **changes}
    url = authorize_url(sandbox, **changes)
    return callback_params(sandbox.sign_in(url, account))["code"]


def redeem(sandbox, good_code, **form):
    fields = {"grant_type": "authorization_code", "code": good_code, "redirect_uri": REDIRECT_URI}
    return google_token(sandbox, **{**fields, **form})


def failure(response):
    body = response.json()
    return response.status_code, body["error"], body.get("error_description")


def refresh(sandbox, refresh_token, **form):
    return google_token(sandbox, grant_type="refresh_token", refresh_token=refresh_token, **form)


# ---------------------------------------------------------------------- the library's way


def test_the_flow_brings_both_tokens_and_an_id_token_that_verifies(sandbox):
    token = google_grant(sandbox)
    assert token["access_token"].startswith("ya29.")
    assert token["refresh_token"].startswith("1//")
    assert (token["expires_in"], token["token_type"]) == (3599, "Bearer")
    session = sandbox.browser()
    claims = id_token.verify_token(
        token["id_token"],
        Request(session),
        audience=sandbox.google["client_id"],
        certs_url=f"{sandbox.https}/oauth2/v1/certs",
        clock_skew_in_seconds=10,
    )
    assert (claims["iss"], claims["email"]) == ("https://accounts.google.com", GOOGLE_ERP)


def test_credentials_refresh_and_keep_their_refresh_token(sandbox):
    token = google_grant(sandbox)
    credentials = Credentials(
        None,
        refresh_token=token["refresh_token"],
        token_uri=f"{sandbox.google['token_url']}/token",
        client_id=sandbox.google["client_id"],
        client_secret=sandbox.google["client_secret"],
    )
    credentials.refresh(Request(sandbox.browser()))
    assert credentials.token.startswith("ya29.")
    assert credentials.refresh_token == token["refresh_token"]
    sandbox.api("grants/revoke", {"account": GOOGLE_ERP})
    with pytest.raises(google.auth.exceptions.RefreshError) as refused:
        credentials.refresh(Request(sandbox.browser()))
    assert refused.value.args[1]["error"] == "invalid_grant"
    assert refused.value.args[1]["error_description"] == "Token has been expired or revoked."


def test_a_flow_without_its_verifier_is_refused(sandbox):
    flow = google_flow(sandbox)
    url, _ = flow.authorization_url(prompt="select_account")
    code = callback_params(sandbox.sign_in(url, GOOGLE_ERP))["code"]
    forgetful = google_flow(sandbox, autogenerate_code_verifier=False)
    with pytest.raises(InvalidGrantError):
        forgetful.fetch_token(code=code, timeout=10)


# ---------------------------------------------------------------------- sign-in pages


@pytest.mark.parametrize(
    "changes, expected",
    [
        ({"redirect_uri": REDIRECT_URI + "/"}, (400, "Error 400: redirect_uri_mismatch")),
        (
            {"redirect_uri": REDIRECT_URI.replace("8069", "8070")},
            (400, "Error 400: redirect_uri_mismatch"),
        ),
        ({"redirect_uri": None}, (400, "Error 400: invalid_request")),
        ({"client_id": "nobody"}, (401, "Error 401: invalid_client")),
        ({"scope": "https://mail.google.com"}, (400, "Error 400: invalid_scope")),
        ({"scope": None}, (400, "Error 400: invalid_request")),
        ({"response_type": "token"}, (400, "Error 400: unsupported_response_type")),
    ],
)
def test_mistakes_end_on_a_page_and_never_call_back(sandbox, changes, expected):
    assert page_error(sandbox, authorize_url(sandbox, **changes)) == expected


@pytest.mark.parametrize(
    "client, account, expected",
    [
        ({"status": "testing"}, GOOGLE_ERP, (403, "Error 403: access_denied")),
        ({"status": "internal"}, GUS, (403, "Error 403: org_internal")),
        ({"status": "deleted"}, GOOGLE_ERP, (401, "Error 401: deleted_client")),
    ],
)
def test_the_state_of_the_client_decides_who_gets_in(sandbox, client, account, expected):
    client_id = sandbox.google["client_id"]
    sandbox.api("clients", {"client_id": client_id, **client})
    assert page_error(sandbox, authorize_url(sandbox), account) == expected


def test_an_administrator_can_block_the_app(sandbox):
    token = google_grant(sandbox)
    sandbox.settings(google_admin_policy=True)
    assert page_error(sandbox, authorize_url(sandbox))[1] == "Error 400: admin_policy_enforced"
    assert failure(refresh(sandbox, token["refresh_token"]))[1] == "admin_policy_enforced"


def test_cancelling_comes_back_with_the_state(sandbox):
    callback = sandbox.sign_in(authorize_url(sandbox), GOOGLE_ERP, decision="cancel")
    assert callback_params(callback) == {"state": "the-state", "error": "access_denied"}


def test_prompt_none_comes_back_without_a_page(sandbox):
    callback = sandbox.sign_in(authorize_url(sandbox, prompt="none"), GOOGLE_ERP)
    assert callback_params(callback)["error"] == "access_denied"


def test_login_hint_suggests_but_does_not_enforce(sandbox):
    url = authorize_url(sandbox, login_hint=GOOGLE_ERP)
    assert "suggested by the application" in sandbox.browser().get(url).text
    assert "code" in callback_params(sandbox.sign_in(url, GINA))


def test_unticked_scopes_are_missing_from_the_token(sandbox):
    flow = google_flow(sandbox)
    url, _ = flow.authorization_url(prompt="select_account")
    callback = sandbox.sign_in(url, GOOGLE_ERP, scope=[])
    with pytest.raises(Warning) as changed:
        flow.fetch_token(code=callback_params(callback)["code"], timeout=10)
    assert GMAIL not in changed.value.token["scope"]


# ---------------------------------------------------------------------- refresh tokens


def test_only_a_fresh_offline_consent_brings_a_refresh_token(sandbox):
    assert "refresh_token" not in google_grant(sandbox, access_type="online")
    assert "refresh_token" not in google_grant(sandbox)
    assert "refresh_token" in google_grant(sandbox, prompt="consent")


def test_a_refresh_brings_no_new_refresh_token_unless_switched(sandbox):
    token = google_grant(sandbox)["refresh_token"]
    assert "refresh_token" not in refresh(sandbox, token).json()
    sandbox.settings(google_refresh_rotation=True)
    assert refresh(sandbox, token).json()["refresh_token"] != token


def test_the_101st_refresh_token_ends_the_first(sandbox):
    sandbox.settings(google_refresh_rotation=True)
    first = google_grant(sandbox)["refresh_token"]
    for _ in range(100):
        assert refresh(sandbox, first).status_code == 200
    assert failure(refresh(sandbox, first))[:2] == (400, "invalid_grant")


def test_refresh_tokens_end_after_six_months_unused_and_seven_days_of_testing(sandbox):
    token = google_grant(sandbox)["refresh_token"]
    sandbox.api("clock", {"advance": 184 * 86400})
    assert failure(refresh(sandbox, token)) == (
        400,
        "invalid_grant",
        "Token has been expired or revoked.",
    )
    client_id = sandbox.google["client_id"]
    sandbox.api("clients", {"client_id": client_id, "status": "testing", "assigned": [GINA]})
    trial = google_grant(sandbox, GINA)
    assert trial["refresh_token_expires_in"] == 604800
    sandbox.api("clock", {"advance": 7 * 86400 + 1})
    assert failure(refresh(sandbox, trial["refresh_token"]))[1] == "invalid_grant"


def test_scopes_may_shrink_at_refresh_but_not_grow(sandbox):
    token = google_grant(sandbox)["refresh_token"]
    assert refresh(sandbox, token, scope=EMAIL).json()["scope"] == EMAIL
    wider = "https://www.googleapis.com/auth/gmail.send"
    assert failure(refresh(sandbox, token, scope=wider))[:2] == (400, "invalid_scope")


def test_earlier_scopes_are_included_on_request(sandbox):
    google_grant(sandbox)
    url = authorize_url(sandbox, scope="openid", include_granted_scopes="true")
    granted = callback_params(sandbox.sign_in(url, GOOGLE_ERP))["scope"]
    assert set(granted.split()) == set(GOOGLE_SCOPES)


# ---------------------------------------------------------------------- token endpoint


@pytest.mark.parametrize(
    "form, expected",
    [
        ({"client_secret": "wrong"}, (401, "invalid_client", "Unauthorized")),
        ({"client_secret": None}, (400, "invalid_request", "client_secret is missing.")),
        ({"client_id": "nobody"}, (401, "invalid_client", "The OAuth client was not found.")),
        ({"redirect_uri": REDIRECT_URI + "/"}, (400, "redirect_uri_mismatch", "Bad Request")),
        ({"code": "made-up"}, (400, "invalid_grant", "Malformed auth code.")),
        (
            {"grant_type": "password"},
            (400, "unsupported_grant_type", "Invalid grant_type: password"),
        ),
    ],
)
def test_a_wrong_redemption_is_refused(sandbox, form, expected):
    assert failure(redeem(sandbox, code_for(sandbox), **form)) == expected


def test_a_code_works_once_and_for_ten_minutes(sandbox):
    code, late = code_for(sandbox), code_for(sandbox, GINA)
    assert redeem(sandbox, code).status_code == 200
    assert failure(redeem(sandbox, code)) == (400, "invalid_grant", "Bad Request")
    sandbox.api("clock", {"advance": 601})
    assert failure(redeem(sandbox, late)) == (400, "invalid_grant", "Bad Request")


def test_pkce_is_checked(sandbox):
    verifier, challenge = pkce()
    asked = {"code_challenge": challenge, "code_challenge_method": "S256"}
    assert redeem(sandbox, code_for(sandbox, **asked), code_verifier=verifier).status_code == 200
    assert failure(redeem(sandbox, code_for(sandbox, **asked)))[1] == "invalid_grant"
    wrong = redeem(sandbox, code_for(sandbox, **asked), code_verifier=verifier[::-1])
    assert failure(wrong)[1] == "invalid_grant"


def test_a_refresh_token_belongs_to_its_client(sandbox):
    token = google_grant(sandbox)["refresh_token"]
    other = {"provider": "google", "client_id": "other", "secret": "s"}
    sandbox.api("clients", other)
    response = refresh(sandbox, token, client_id="other", client_secret="s")
    assert failure(response) == (400, "invalid_grant", "Bad Request")


def test_device_sign_in_is_not_offered_for_mail(sandbox):
    form = {"client_id": sandbox.google["client_id"], "scope": GMAIL}
    response = sandbox.session.post(f"{sandbox.google['token_url']}/device/code", data=form)
    assert failure(response)[:2] == (400, "invalid_scope")


# ---------------------------------------------------------------------- revoke, tokeninfo, userinfo


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
def test_revoking_either_token_ends_the_grant_and_its_consent(sandbox, which):
    token = google_grant(sandbox)
    url = f"{sandbox.google['token_url']}/revoke"
    assert sandbox.session.post(url, data={"token": token[which]}).status_code == 200
    again = sandbox.session.post(f"{url}?token={token[which]}")
    assert (again.status_code, again.json()["error"]) == (400, "invalid_token")
    assert failure(refresh(sandbox, token["refresh_token"]))[1] == "invalid_grant"
    info = f"{sandbox.google['token_url']}/tokeninfo?access_token={token['access_token']}"
    assert sandbox.session.get(info).status_code == 400
    assert "refresh_token" in google_grant(sandbox)


def test_tokeninfo_speaks_in_strings(sandbox):
    token = google_grant(sandbox)
    url = f"{sandbox.google['token_url']}/tokeninfo?access_token="
    info = sandbox.session.get(url + token["access_token"]).json()
    assert info["aud"] == sandbox.google["client_id"]
    assert (info["email"], info["email_verified"]) == (GOOGLE_ERP, "true")
    assert 3590 <= int(info["expires_in"]) <= 3599
    assert isinstance(info["exp"], str)
    assert set(info["scope"].split()) == set(GOOGLE_SCOPES)
    unknown = sandbox.session.get(url + "nonsense")
    assert failure(unknown) == (400, "invalid_token", "Invalid Value")


def test_userinfo_needs_a_living_token(sandbox):
    token = google_grant(sandbox)["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    url = f"{sandbox.google['api_url']}/oauth2/v2/userinfo"
    info = sandbox.session.get(url, headers=headers).json()
    assert (info["email"], info["verified_email"]) == (GOOGLE_ERP, True)
    twin = sandbox.session.get(f"{sandbox.https}/v1/userinfo?access_token={token}").json()
    assert (twin["sub"], twin["email"]) == (info["id"], GOOGLE_ERP)
    sandbox.api("clock", {"advance": 3600})
    assert sandbox.session.get(url, headers=headers).status_code == 401


def test_a_fault_reaches_the_library_as_its_own_error(sandbox):
    flow = google_flow(sandbox)
    url, _ = flow.authorization_url(prompt="select_account")
    code = callback_params(sandbox.sign_in(url, GOOGLE_ERP))["code"]
    sandbox.fault("google.token", "error", status=401, error="deleted_client")
    with pytest.raises(CustomOAuth2Error, match="deleted_client"):
        flow.fetch_token(code=code, timeout=10)
