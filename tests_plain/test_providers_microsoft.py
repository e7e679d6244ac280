"""What is special about Microsoft."""

import base64
import itertools
import json

import msal
import msal.exceptions
import pytest
from mail_server_oauth2.exceptions import (
    AdminConsentError,
    ConfigurationError,
    MailOAuth2Error,
    SignInNeededError,
    SignInRejectedError,
    UnreachableError,
)
from mail_server_oauth2.providers import microsoft, microsoft_http
from mail_server_oauth2.providers.hosts import CONSUMER_TENANT
from providers_fakes import CLIENT_SECRET, NOW, REDIRECT_URI, STATE
from providers_server import Answer

pytest_plugins = ("providers_fixtures",)
pytestmark = pytest.mark.filterwarnings("ignore:response_mode='form_post'")


@pytest.fixture(autouse=True)
def no_metadata_of_other_tests():
    microsoft_http.shared_metadata.clear()


def refused(kind, call, *args, **kwargs):
    with pytest.raises(MailOAuth2Error) as caught:
        call(*args, **kwargs)
    assert type(caught.value) is kind, caught.value
    return caught.value


def begin(entra, **app):
    provider = entra.provider(**app)
    sign_in = provider.begin_sign_in(
        resources=entra.resources, redirect_uri=REDIRECT_URI, state=STATE
    )
    entra.authorize(sign_in.url)
    return sign_in


def calls(entra, method):
    return [request for request in entra.server.requests if request.method == method]


# --- permissions ---------------------------------------------------------------------------


def test_no_more_than_sending_is_asked_for(entra):
    begin(entra)
    assert set(entra.last_query["scope"].split()) == {
        "https://outlook.office.com/SMTP.Send",
        "Mail.Send",
        "openid",
        "profile",
        "offline_access",
    }


def test_the_permission_for_smtp_belongs_to_the_cloud_of_the_app(entra):
    begin(entra, mail_scope_url="https://outlook.office365.us")
    assert "https://outlook.office365.us/SMTP.Send" in entra.last_query["scope"].split()


def test_each_token_is_asked_for_one_resource_only(entra):
    entra.sign_in()
    scopes = [set(request.form["scope"].split()) for request in calls(entra, "POST")]
    oidc = {"openid", "profile", "offline_access"}
    assert scopes == [{"https://outlook.office.com/SMTP.Send"} | oidc, {"Mail.Send"} | oidc]


@pytest.mark.parametrize("scope", ["https://outlook.office.com/smtp.send", "SMTP.Send openid"])
def test_a_granted_permission_counts_with_and_without_its_host(entra, scope):
    entra.changes = {"scope": scope}
    assert "smtp" in entra.sign_in().tokens


def test_asking_for_consent_again_changes_nothing(entra):
    sign_in = entra.provider().begin_sign_in(
        resources=["smtp"], redirect_uri=REDIRECT_URI, state=STATE, force_consent=True
    )
    entra.authorize(sign_in.url)
    assert entra.last_query["prompt"] == "select_account"


# --- app registration ----------------------------------------------------------------------


def test_a_confidential_client_sends_its_secret_in_the_body(entra):
    entra.sign_in()
    assert all(request.form["client_secret"] == CLIENT_SECRET for request in calls(entra, "POST"))
    assert not [r for r in entra.server.requests if "Authorization" in r.headers]


def test_a_public_client_sends_none(entra):
    grant = entra.sign_in(entra.provider(client_secret=""))
    assert grant.tokens["smtp"].value
    assert not [request for request in calls(entra, "POST") if "client_secret" in request.form]


@pytest.mark.parametrize("field", ["tenant", "mail_scope_url", "api_url"])
def test_a_tenant_or_host_that_leads_elsewhere_is_refused(entra, field):
    provider = entra.provider(**{field: "https://x/../@evil.example"})
    assert refused(ConfigurationError, provider.validate).key in ("tenant_invalid", "host_invalid")


def test_a_client_id_may_be_pasted_in_capitals(entra):
    assert entra.app().client_id == "C11E27"
    assert entra.id_token("n")["aud"] == "c11e27"
    assert entra.sign_in().identity


def test_a_region_of_the_environment_sends_no_secret_elsewhere(entra, monkeypatch):
    monkeypatch.setenv("MSAL_FORCE_REGION", "westeurope")
    grant = entra.sign_in()
    assert entra.provider().refresh(grant.cache, resource="smtp").tokens["smtp"].value


# --- authority -----------------------------------------------------------------------------


def test_metadata_are_fetched_once_for_all_providers(entra):
    for _count in range(3):
        begin(entra)
    assert len(calls(entra, "GET")) == 1


def test_metadata_are_fetched_again_after_a_day(entra):
    begin(entra)
    later = entra.provider()
    later.now = lambda: NOW + microsoft_http.METADATA_LIFETIME
    later.begin_sign_in(resources=["smtp"], redirect_uri=REDIRECT_URI, state=STATE)
    assert len(calls(entra, "GET")) == 2


def test_metadata_from_the_future_are_not_used(entra):
    begin(entra)
    earlier = entra.provider()
    earlier.now = lambda: NOW - 1
    earlier.begin_sign_in(resources=["smtp"], redirect_uri=REDIRECT_URI, state=STATE)
    assert len(calls(entra, "GET")) == 2


def test_an_unknown_tenant_is_a_configuration_error_until_it_is_corrected(entra):
    good, entra.server.app = entra.server.app, lambda request: Answer(
        {"error": "invalid_tenant", "error_codes": [90002],
         "error_description": "AADSTS90002: Tenant 'x' not found."}, status=400,
    )  # fmt: skip
    assert refused(ConfigurationError, begin, entra).key == "aadsts_90002"
    entra.server.app = good
    assert begin(entra).url


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://login.microsoftonline.us/x/oauth2/v2.0/token",
        "https://localhost:1/x/oauth2/v2.0/token",
        "https://localhost.evil.example/x/oauth2/v2.0/token",
        "http://localhost/x/oauth2/v2.0/token",
    ],
)
def test_metadata_may_not_lead_the_secret_to_another_host(entra, endpoint):
    entra.metadata_changes = {"token_endpoint": endpoint}
    error = refused(ConfigurationError, begin, entra)
    assert error.key == "authority_moved"
    assert error.details["other_host"] in endpoint


@pytest.mark.parametrize(
    "endpoint", ["https://evil.example/authorize", "javascript://localhost/%0aalert(1)"]
)
def test_metadata_may_not_lead_people_to_another_host(entra, endpoint):
    entra.metadata_changes = {"authorization_endpoint": endpoint}
    assert refused(ConfigurationError, begin, entra).key == "authority_moved"


def test_the_page_for_people_may_have_a_port_of_its_own(entra):
    entra.metadata_changes = {"authorization_endpoint": "http://localhost:8080/authorize"}
    assert begin(entra).url.startswith("http://localhost:8080/authorize?")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *itertools.product(
            ["authorization_endpoint", "token_endpoint", "issuer"], [None, 5, ["x"]]
        ),
        ("authorization_endpoint", "https://["),
        ("token_endpoint", "https://["),
    ],
)
def test_half_metadata_are_an_outage_and_not_kept(entra, name, value):
    entra.metadata_changes = {name: value}
    assert refused(UnreachableError, begin, entra).key == "answer_incomplete"
    entra.metadata_changes = {}
    assert begin(entra).url


@pytest.mark.parametrize("tenant", ["common", "organizations"])
def test_accounts_of_any_tenant_sign_in_at_a_shared_authority(entra, tenant):
    entra.issuer_tenant = "{tenantid}"
    assert entra.sign_in(entra.provider(tenant=tenant)).identity.tenant == entra.tenant


def test_a_personal_account_signs_in_for_consumers(entra):
    entra.tenant = entra.issuer_tenant = CONSUMER_TENANT
    grant = entra.sign_in(entra.provider(tenant="consumers"))
    assert grant.identity.subject == f"{CONSUMER_TENANT}.0erin"


def test_an_account_of_another_tenant_is_refused(entra):
    entra.claims = {"tid": "99999999-2222-3333-4444-555555555555"}
    assert refused(SignInRejectedError, entra.sign_in).key == "id_token_tenant"


# --- who signed in -------------------------------------------------------------------------


def test_a_user_name_that_is_no_address_is_not_proposed_as_one(entra):
    entra.claims = {"preferred_username": "+31 6 12345678"}
    assert entra.sign_in().identity.address == ""


def test_without_an_object_id_nobody_signed_in(entra):
    entra.claims = {"oid": None}
    assert refused(SignInRejectedError, entra.sign_in).key == "id_token_malformed"


# --- the grant -----------------------------------------------------------------------------


def test_the_cache_holds_the_refresh_token_and_no_other(entra):
    grant = entra.sign_in()
    assert not [token for token in grant.tokens.values() if token.value in grant.cache]
    assert "eyJ" not in grant.cache
    held = [token for token in entra.refresh_tokens if token in grant.cache]
    assert len(held) == 1


def test_a_rotated_refresh_token_is_the_one_used_next(entra):
    grant = entra.sign_in()
    renewed = entra.provider().refresh(grant.cache, resource="smtp")
    assert renewed.renewed
    entra.provider().refresh(renewed.cache, resource="smtp")
    used = [r.form["refresh_token"] for r in calls(entra, "POST") if "refresh_token" in r.form]
    assert len(set(used)) == len(used)


def test_a_lost_rotation_is_survived(entra):
    """Microsoft keeps the old refresh token valid."""
    grant = entra.sign_in()
    entra.provider().refresh(grant.cache, resource="smtp")
    assert entra.provider().refresh(grant.cache, resource="smtp").renewed


def test_an_answer_without_a_refresh_token_keeps_the_old_one(entra):
    grant = entra.sign_in()
    entra.changes = {"refresh_token": None}
    kept = entra.provider().refresh(grant.cache, resource="smtp")
    assert not kept.renewed
    assert entra.provider().refresh(kept.cache, resource="smtp").tokens["smtp"].value


@pytest.mark.parametrize("changes", [{"client_info": None}, {"id_token": "garbage"}])
def test_a_refresh_needs_neither_client_info_nor_an_id_token(entra, changes):
    grant = entra.sign_in()
    entra.changes = changes
    renewed = entra.provider().refresh(grant.cache, resource="smtp")
    assert entra.provider().refresh(renewed.cache, resource="smtp").renewed


@pytest.mark.parametrize("info", ["%%%", 5, ["a"], base64.urlsafe_b64encode(b"5").decode()])
def test_a_malformed_client_info_is_refused_without_a_crash(entra, info):
    grant = entra.sign_in()
    entra.changes = {"client_info": info}
    refresh = entra.provider().refresh
    assert refused(UnreachableError, refresh, grant.cache, resource="smtp").key == (
        "answer_incomplete"
    )
    assert refused(SignInRejectedError, entra.sign_in).key == "answer_incomplete"


def test_a_refresh_goes_out_even_when_the_cache_holds_a_living_access_token(entra):
    cache = msal.SerializableTokenCache()
    cache.deserialize(entra.sign_in().cache)
    scopes = ["https://outlook.office.com/SMTP.Send", "offline_access", "openid", "profile"]
    answer = entra.token_answer({"scope": " ".join(scopes)}, "")
    token_endpoint = entra.metadata()["token_endpoint"]
    cache.add(
        {
            "client_id": entra.app().client_id,
            "environment": "localhost",
            "scope": scopes,
            "token_endpoint": token_endpoint,
            "response": answer,
        }
    )
    renewed = entra.provider().refresh(cache.serialize(), resource="smtp")
    assert renewed.tokens["smtp"].value != answer["access_token"]


def _with_subclasses(kind):
    return [kind, *(inner for child in kind.__subclasses__() for inner in _with_subclasses(child))]


@pytest.mark.parametrize("kind", _with_subclasses(msal.exceptions.MsalError))
def test_every_error_of_msal_becomes_ours(entra, monkeypatch, kind):
    grant = entra.sign_in()

    def fail(*args, **kwargs):
        raise kind.__new__(kind)

    name = "acquire_token_silent_with_error"
    monkeypatch.setattr(msal.ClientApplication, name, fail)
    refused(UnreachableError, entra.provider().refresh, grant.cache, resource="smtp")
    monkeypatch.setattr(msal.ClientApplication, "acquire_token_by_auth_code_flow", fail)
    refused(SignInRejectedError, entra.sign_in)


def test_the_grant_of_another_app_registration_needs_a_sign_in(entra):
    grant = entra.sign_in()
    refresh = entra.provider(client_id="another").refresh
    assert refused(SignInNeededError, refresh, grant.cache, resource="smtp").key == "grant_missing"


def test_a_second_resource_that_is_away_for_a_moment_does_not_cost_the_sign_in(entra):
    def first_token_then_outage(request):
        entra.scripted = [Answer({}, status=503)]
        form, query = request.form, entra.codes.pop(request.form["code"])
        return Answer(entra._answer(form, query["nonce"]))

    entra.scripted = [first_token_then_outage]
    grant = entra.sign_in()
    assert set(grant.tokens) == {"smtp"}
    assert entra.provider().refresh(grant.cache, resource="graph").tokens["graph"].value


def test_a_second_resource_nobody_consented_to_ends_the_sign_in(entra):
    def first_token_then_refusal(request):
        refusal = {"error": "invalid_grant", "error_codes": [65001], "suberror": "consent_required"}
        entra.scripted = [Answer(refusal, status=400)]
        form, query = request.form, entra.codes.pop(request.form["code"])
        return Answer(entra._answer(form, query["nonce"]))

    entra.scripted = [first_token_then_refusal]
    assert refused(AdminConsentError, entra.sign_in).key == "aadsts_65001"


def test_words_of_microsoft_reach_the_administrator(entra):
    grant = entra.sign_in()
    entra.refresh_tokens.clear()
    error = refused(SignInNeededError, entra.provider().refresh, grant.cache, resource="smtp")
    assert error.key == "aadsts_700082"
    assert error.provider_text == entra.refusal()["error_description"]
    assert error.key in microsoft.KEYS


# --- nothing to ask ------------------------------------------------------------------------


def test_there_is_nothing_to_check_and_nowhere_to_revoke(entra):
    grant = entra.sign_in()
    sent = len(entra.server.requests)
    provider = entra.provider()
    assert provider.check(grant.tokens["graph"], resource="graph") is None
    assert provider.revoke(grant.cache) is False
    assert len(entra.server.requests) == sent


def test_the_pending_sign_in_is_small_enough_for_a_row(entra):
    assert len(json.dumps(begin(entra).pending)) < 2000
