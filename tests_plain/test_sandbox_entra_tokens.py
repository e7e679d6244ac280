"""The sandbox's Entra token endpoint: what it grants and what it refuses."""

import jwt
import pytest
from sandbox_clients import (
    ERP,
    SMTP_SEND,
    confidential_client,
    microsoft_code,
    microsoft_grant,
    microsoft_token,
    pkce,
)
from sandbox_process import REDIRECT_URI, callback_params

pytest_plugins = ["sandbox_fixture"]

CODE = "authorization_code"
SECRET_ID = "5a4db0c5-aaaa-4000-8000-00000000000a"


def redeem(sandbox, good_code, **form):
    fields = {
        "grant_type": CODE,
        "code": good_code,
        "redirect_uri": REDIRECT_URI,
        "scope": SMTP_SEND,
    }
    return microsoft_token(sandbox, **{**fields, **form})


def refresh(sandbox, refresh_token, **form):
    fields = {"grant_type": "refresh_token", "refresh_token": refresh_token, "scope": SMTP_SEND}
    return microsoft_token(sandbox, **{**fields, **form})


def failure(response):
    body = response.json()
    return response.status_code, body["error"], body["error_codes"][0]


def test_an_access_token_is_for_one_resource_and_longer_than_a_line(sandbox):
    answer = microsoft_grant(sandbox)
    claims = jwt.decode(answer["access_token"], options={"verify_signature": False})
    assert claims["aud"] == "https://outlook.office.com"
    assert claims["scp"] == "SMTP.Send"
    assert claims["upn"] == ERP
    assert len(answer["access_token"]) > 1500
    assert answer["scope"] == SMTP_SEND
    assert {"refresh_token", "id_token", "client_info"} <= set(answer)


def test_tokens_of_personal_accounts_are_opaque(sandbox):
    answer = microsoft_grant(sandbox, "pat@outlook.example", tenant="common")
    assert "." not in answer["access_token"]


@pytest.mark.parametrize(
    "form, expected",
    [
        ({"client_secret": "wrong"}, (401, "invalid_client", 7000215)),
        (
            {"client_secret": "5a4db0c5-aaaa-4000-8000-00000000000a"},
            (401, "invalid_client", 7000215),
        ),
        ({"client_secret": None}, (401, "invalid_client", 7000218)),
        ({"client_id": "nobody"}, (400, "unauthorized_client", 700016)),
        ({"client_id": None}, (400, "invalid_request", 900144)),
        ({"redirect_uri": "http://localhost:8069/other"}, (400, "invalid_client", 50011)),
        ({"redirect_uri": None}, (400, "invalid_request", 900144)),
        ({"code": "made-up"}, (400, "invalid_grant", 9002313)),
        ({"code": None}, (400, "invalid_request", 900144)),
        ({"grant_type": "password"}, (400, "unsupported_grant_type", 70003)),
        ({"grant_type": None}, (400, "invalid_request", 900144)),
        ({"scope": f"{SMTP_SEND} Mail.Send"}, (400, "invalid_scope", 700022)),
        ({"scope": "https://outlook.office.com/Nothing"}, (400, "invalid_scope", 70011)),
        ({"scope": "Mail.Read"}, (400, "invalid_grant", 65001)),
        ({"resource": "https://outlook.office.com"}, (400, "invalid_request", 901002)),
        ({"client_assertion": "a.b.c"}, (401, "invalid_client", 700027)),
    ],
)
def test_a_wrong_redemption_is_refused(sandbox, form, expected):
    assert failure(redeem(sandbox, microsoft_code(sandbox), **form)) == expected


def test_an_error_carries_ids_and_entras_words(sandbox):
    response = redeem(sandbox, "made-up", client_secret="wrong")
    body = response.json()
    description = body["error_description"]
    assert description.startswith("AADSTS7000215: Invalid client secret provided. Ensure the")
    assert f"Trace ID: {body['trace_id']} Correlation ID: {body['correlation_id']}" in description
    assert response.headers["x-ms-request-id"] == body["trace_id"]
    assert body["error_uri"].endswith("/error?code=7000215")


def test_an_expired_secret_is_told_apart_from_a_wrong_one(sandbox):
    client_id = sandbox.microsoft["client_id"]
    sandbox.api("clients", {"client_id": client_id, "secret_expired": True})
    response = redeem(sandbox, microsoft_code(sandbox))
    assert failure(response) == (401, "invalid_client", 7000222)


def test_the_secret_may_come_by_http_basic(sandbox):
    basic = (sandbox.microsoft["client_id"], sandbox.microsoft["client_secret"])
    tenant = sandbox.microsoft["tenant"]
    response = sandbox.session.post(
        f"{sandbox.https}/{tenant}/oauth2/v2.0/token",
        auth=basic,
        data={
            "grant_type": CODE,
            "code": microsoft_code(sandbox),
            "redirect_uri": REDIRECT_URI,
            "scope": SMTP_SEND,
        },
    )
    assert response.status_code == 200


def test_a_code_works_once_and_for_ten_minutes(sandbox):
    code = microsoft_code(sandbox)
    assert redeem(sandbox, code).status_code == 200
    assert failure(redeem(sandbox, code)) == (400, "invalid_grant", 54005)
    late = microsoft_code(sandbox)
    sandbox.api("clock", {"advance": 601})
    assert failure(redeem(sandbox, late)) == (400, "invalid_grant", 70008)


def test_a_code_belongs_to_its_client(sandbox):
    other = {"client_id": "5a4db0c5-0002-4000-8000-000000000002"}
    clients = sandbox.api("clients")
    secret = next(c["secret"] for c in clients if c["client_id"] == other["client_id"])
    response = redeem(sandbox, microsoft_code(sandbox), client_secret=secret, **other)
    assert failure(response) == (400, "invalid_grant", 70000)


@pytest.mark.parametrize("method", ["S256", "plain"])
def test_pkce_is_checked(sandbox, method):
    verifier, challenge = pkce()
    challenge = challenge if method == "S256" else verifier
    asked = {"code_challenge": challenge, "code_challenge_method": method}

    def attempt(**form):
        return redeem(sandbox, microsoft_code(sandbox, **asked), **form)

    assert attempt(code_verifier=verifier).status_code == 200
    assert failure(attempt()) == (400, "invalid_grant", 50148)
    assert failure(attempt(code_verifier=verifier[::-1])) == (400, "invalid_grant", 501481)


def test_a_refresh_brings_a_new_refresh_token_and_the_old_one_stays_valid(sandbox):
    first = microsoft_grant(sandbox)["refresh_token"]
    second = refresh(sandbox, first).json()["refresh_token"]
    assert second != first
    assert refresh(sandbox, first).status_code == 200
    assert refresh(sandbox, second).status_code == 200


def test_a_switch_revokes_the_grant_when_an_old_refresh_token_comes_again(sandbox):
    sandbox.settings(revoke_grant_on_reuse=True)
    first = microsoft_grant(sandbox)["refresh_token"]
    second = refresh(sandbox, first).json()["refresh_token"]
    assert failure(refresh(sandbox, first)) == (400, "invalid_grant", 50173)
    assert failure(refresh(sandbox, second)) == (400, "invalid_grant", 50173)


def test_one_refresh_token_serves_every_consented_resource_the_first_one_asked(sandbox):
    token = microsoft_grant(sandbox)["refresh_token"]

    def granted(scope):
        answer = refresh(sandbox, token, scope=scope).json()
        claims = jwt.decode(answer["access_token"], options={"verify_signature": False})
        return claims["aud"], claims["scp"]

    outlook, graph = ("https://outlook.office.com", "https://graph.microsoft.com")
    assert granted("Mail.Send User.Read") == (graph, "Mail.Send User.Read")
    assert granted(f"{sandbox.https}/Mail.Send") == (sandbox.https, "Mail.Send")
    assert granted(f"{SMTP_SEND} Mail.Send") == (outlook, "SMTP.Send")
    assert granted(f"Mail.Send {SMTP_SEND}") == (graph, "Mail.Send")
    unconsented = refresh(sandbox, token, scope="Mail.ReadWrite")
    assert failure(unconsented) == (400, "invalid_grant", 65001)
    assert unconsented.json()["suberror"] == "consent_required"


def test_a_grant_unused_for_90_days_is_gone(sandbox):
    token = microsoft_grant(sandbox)["refresh_token"]
    sandbox.api("clock", {"advance": 89 * 86400})
    renewed = refresh(sandbox, token).json()["refresh_token"]
    sandbox.api("clock", {"advance": 89 * 86400})
    assert refresh(sandbox, renewed).status_code == 200
    response = refresh(sandbox, token)
    assert failure(response) == (400, "invalid_grant", 700082)
    assert response.json()["suberror"] == "bad_token"


@pytest.mark.parametrize("number", [50173, 53003, 70043])
def test_a_revoked_grant_answers_with_the_reason(sandbox, number):
    token = microsoft_grant(sandbox)["refresh_token"]
    assert sandbox.api("grants/revoke", {"account": ERP, "code": number}) == {"revoked": 1}
    assert failure(refresh(sandbox, token)) == (400, "invalid_grant", number)


def test_a_disabled_or_deleted_account_cannot_refresh(sandbox):
    token = microsoft_grant(sandbox)["refresh_token"]
    sandbox.api("accounts", {"address": ERP, "enabled": False})
    assert failure(refresh(sandbox, token))[2] == 50057
    sandbox.api(f"accounts/{ERP}", method="DELETE")
    assert failure(refresh(sandbox, token))[2] == 50034


def test_an_unknown_tenant_and_a_single_tenant_app_on_common_are_refused(sandbox):
    assert failure(microsoft_token(sandbox, "nowhere.example"))[1:] == ("invalid_tenant", 90002)
    single = microsoft_token(sandbox, "common", client_id="5a4db0c5-0002-4000-8000-000000000002")
    assert failure(single)[1:] == ("invalid_request", 50194)


def test_an_app_gets_a_token_for_itself_with_roles_only_where_granted(sandbox):
    client = confidential_client(sandbox)
    scope = "https://graph.microsoft.com/.default"
    plain = client.acquire_token_for_client([scope])
    assert set(plain) >= {"token_type", "expires_in", "ext_expires_in", "access_token"}
    assert "refresh_token" not in plain
    claims = jwt.decode(plain["access_token"], options={"verify_signature": False})
    assert "roles" not in claims
    client_id = sandbox.microsoft["client_id"]
    sandbox.api("clients", {"client_id": client_id, "roles": ["Mail.Send"]})
    granted = confidential_client(sandbox).acquire_token_for_client([scope])
    claims = jwt.decode(granted["access_token"], options={"verify_signature": False})
    assert claims["roles"] == ["Mail.Send"]


def test_an_app_needs_a_tenant_and_default_scope(sandbox):
    form = {"grant_type": "client_credentials"}
    default = "https://graph.microsoft.com/.default"
    assert failure(microsoft_token(sandbox, "common", scope=default, **form))[2] == 50059
    wrong = microsoft_token(sandbox, scope="https://graph.microsoft.com/Mail.Send", **form)
    assert failure(wrong)[1:] == ("invalid_scope", 70011)


def test_msal_refreshes_silently_and_keeps_the_rotated_token(sandbox):
    client = confidential_client(sandbox)
    flow = client.initiate_auth_code_flow([SMTP_SEND], redirect_uri=REDIRECT_URI)
    location = sandbox.sign_in(flow["auth_uri"], ERP)
    client.acquire_token_by_auth_code_flow(flow, callback_params(location))
    account = client.get_accounts()[0]
    result = client.acquire_token_silent_with_error([SMTP_SEND], account, force_refresh=True)
    assert "access_token" in result
    log = sandbox.api("tokens")
    assert [entry["grant_type"] for entry in log] == [CODE, "refresh_token"]
    assert {entry["account"] for entry in log} == {ERP}
    assert {entry["status"] for entry in log} == {200}
