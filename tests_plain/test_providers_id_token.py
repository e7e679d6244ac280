"""Checks of the id_token that the libraries leave to us."""

import base64
import json

import jwt
import pytest
from mail_server_oauth2.exceptions import SignInRejectedError
from mail_server_oauth2.providers import id_token
from mail_server_oauth2.providers.hosts import CONSUMER_TENANT

NOW = 1_800_000_000
CONTOSO = "11111111-2222-3333-4444-555555555555"
FABRIKAM = "99999999-2222-3333-4444-555555555555"
LOGIN = "https://login.microsoftonline.com"
TEMPLATE = f"{LOGIN}/{{tenantid}}/v2.0"


def claims(**changes):
    """Return good claims with ``changes``; ``None`` takes a claim away."""
    good = {
        "aud": "client",
        "iss": f"{LOGIN}/{CONTOSO}/v2.0",
        "tid": CONTOSO,
        "exp": NOW + 3600,
        "nbf": NOW - 300,
        "iat": NOW - 300,
        "nonce": "n0nce",
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def check(**changes):
    id_token.check_claims(claims(**changes), audience="client", nonce="n0nce", now=NOW)


def check_issuer(issuer=TEMPLATE, tenant="common", **changes):
    id_token.check_microsoft_issuer(claims(**changes), issuer=issuer, tenant=tenant)


def rejected(call, *args, **kwargs):
    with pytest.raises(SignInRejectedError) as caught:
        call(*args, **kwargs)
    assert caught.value.key in id_token.KEYS
    return caught.value.key


def test_a_token_is_decoded_without_looking_at_its_signature():
    token = jwt.encode(claims(), "somebody else's key, which nobody asks for")
    assert id_token.decode_claims(token) == claims()


def segment(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "token",
    [
        "one",
        "one.two",
        "one.two.three",
        "..",
        f"{segment({'alg': 'RS256'})}.%%%.x",
        f"{segment({'alg': 'RS256'})}.{segment(['list'])}.x",
        f"{segment('text')}.{segment({})}.x",
        f"{segment({'alg': 'RS256'})}.{base64.urlsafe_b64encode(bytes([255, 254])).decode()}.x",
        5,
        ["a"],
        {"a": 1},
        "ü.ü.ü",
    ],
)
def test_a_malformed_token_is_rejected_without_a_crash(token):
    assert rejected(id_token.decode_claims, token) == "id_token_malformed"


@pytest.mark.parametrize("token", [None, ""])
def test_a_missing_token_is_rejected(token):
    assert rejected(id_token.decode_claims, token) == "id_token_missing"


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"aud": ["client"]},
        {"aud": ["client", "other"], "azp": "client"},
        {"nbf": None},
        {"exp": NOW - 119},
        {"nbf": NOW + 119, "iat": NOW + 119},
        {"exp": NOW + 0.5},
    ],
)
def test_good_claims_pass_also_with_clocks_two_minutes_apart(changes):
    check(**changes)


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"aud": "other"}, "id_token_audience"),
        ({"aud": None}, "id_token_audience"),
        ({"aud": "clien"}, "id_token_audience"),
        ({"aud": []}, "id_token_audience"),
        ({"aud": ["client", "other"]}, "id_token_audience"),
        ({"aud": ["client", "other"], "azp": "other"}, "id_token_audience"),
        ({"aud": {"client": 1}}, "id_token_audience"),
        ({"exp": NOW - 121}, "id_token_expired"),
        ({"exp": None}, "id_token_malformed"),
        ({"exp": str(NOW + 3600)}, "id_token_malformed"),
        ({"exp": True}, "id_token_malformed"),
        ({"nbf": NOW + 121}, "id_token_not_yet_valid"),
        ({"nbf": "soon"}, "id_token_malformed"),
        ({"iat": NOW + 121}, "id_token_not_yet_valid"),
        ({"iat": None}, "id_token_malformed"),
        ({"nonce": "other"}, "id_token_nonce"),
        ({"nonce": None}, "id_token_nonce"),
        ({"nonce": ["n0nce"]}, "id_token_nonce"),
        ({"nonce": "n0nce\udc80"}, "id_token_nonce"),
    ],
)
def test_every_wrong_claim_is_rejected(changes, key):
    assert rejected(check, **changes) == key


@pytest.mark.parametrize(
    ("tenant", "issuer", "tid"),
    [
        ("common", TEMPLATE, CONTOSO),
        ("common", TEMPLATE, CONSUMER_TENANT),
        ("organizations", TEMPLATE, CONTOSO),
        ("consumers", f"{LOGIN}/{CONSUMER_TENANT}/v2.0", CONSUMER_TENANT),
        (CONTOSO, f"{LOGIN}/{CONTOSO}/v2.0", CONTOSO),
        ("contoso.example", f"{LOGIN}/{CONTOSO}/v2.0", CONTOSO),
        (CONTOSO, f"https://login.microsoftonline.us/{CONTOSO}/v2.0", CONTOSO),
        (CONTOSO, f"https://login.partner.microsoftonline.cn/{CONTOSO}/v2.0", CONTOSO),
    ],
)
def test_the_issuer_of_every_kind_of_tenant_and_cloud_passes(tenant, issuer, tid):
    check_issuer(issuer, tenant, tid=tid, iss=issuer.replace("{tenantid}", tid))


@pytest.mark.parametrize(
    ("tenant", "issuer", "changes", "key"),
    [
        (CONTOSO, TEMPLATE.replace("{tenantid}", CONTOSO), {"tid": FABRIKAM}, "id_token_tenant"),
        (CONTOSO, TEMPLATE, {"tid": FABRIKAM}, "id_token_issuer"),
        ("contoso.example", f"{LOGIN}/{CONTOSO}/v2.0", {"tid": FABRIKAM}, "id_token_tenant"),
        ("consumers", TEMPLATE, {}, "id_token_tenant"),
        ("common", TEMPLATE, {"tid": FABRIKAM}, "id_token_issuer"),
        ("common", TEMPLATE, {"iss": None}, "id_token_issuer"),
        ("common", TEMPLATE, {"iss": "https://evil.example/v2.0"}, "id_token_issuer"),
        ("common", TEMPLATE, {"iss": TEMPLATE}, "id_token_issuer"),
        ("common", TEMPLATE, {"iss": ["x"]}, "id_token_issuer"),
        ("common", TEMPLATE, {"tid": None}, "id_token_malformed"),
        ("common", TEMPLATE, {"tid": "../evil"}, "id_token_malformed"),
        ("common", TEMPLATE, {"tid": 5}, "id_token_malformed"),
    ],
)
def test_a_token_of_another_tenant_is_rejected(tenant, issuer, changes, key):
    assert rejected(check_issuer, issuer, tenant, **changes) == key


def test_a_personal_account_is_no_member_of_an_organization():
    changes = {"tid": CONSUMER_TENANT, "iss": f"{LOGIN}/{CONSUMER_TENANT}/v2.0"}
    assert rejected(check_issuer, TEMPLATE, "organizations", **changes) == "id_token_tenant"
