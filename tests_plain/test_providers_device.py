"""Sign-in with a device code, and the administrator's consent, against the sandbox."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest
from mail_server_oauth2.exceptions import (
    AdminConsentError,
    ConfigurationError,
    MailOAuth2Error,
    SignInNeededError,
    SignInRejectedError,
    ThrottledError,
    TransientError,
    UnreachableError,
)
from mail_server_oauth2.providers import (
    DEVICE_CODE_PROVIDERS,
    PROVIDERS,
    AppRegistration,
    microsoft_device,
    microsoft_http,
    provider_for,
)
from sandbox_process import REDIRECT_URI, callback_params

pytest_plugins = ("sandbox_fixture", "providers_fixtures")
pytestmark = pytest.mark.filterwarnings("ignore:response_mode='form_post'")

ERIN = "erp@contoso.example"
TOKEN = "microsoft.token"
WEEK = 7 * 24 * 3600


class Device:
    """Somebody with a server here and a browser elsewhere."""

    def __init__(self, sandbox):
        self.sandbox = sandbox

    def provider(self, **changes):
        where = self.sandbox.microsoft
        names = ("client_id", "client_secret", "tenant", "authority_url", "mail_scope_url")
        app = AppRegistration(**{name: where[name] for name in names} | changes)
        return provider_for("microsoft", app)

    def begin(self, resources=("smtp",), **app):
        return self.provider(**app).begin_device_sign_in(resources=resources)

    def enter(self, begun, account=ERIN, **fields):
        data = {"code": begun.user_code, "account": account, "decision": "accept", **fields}
        answer = self.sandbox.browser().post(begun.verification_uri, data=data, timeout=10)
        answer.raise_for_status()

    def poll(self, begun, resources=("smtp",), **app):
        pending = json.loads(json.dumps(begun.pending))  # as the database keeps it
        return self.provider(**app).poll_device_sign_in(pending, resources=resources)

    def connect(self, resources=("smtp",), account=ERIN):
        begun = self.begin(resources)
        self.enter(begun, account)
        return self.poll(begun, resources)

    def token_calls(self, **wanted):
        return [row for row in self.sandbox.api("tokens") if wanted.items() <= row.items()]


@pytest.fixture
def device(sandbox, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", sandbox.ca_bundle)
    microsoft_http.shared_metadata.clear()
    return Device(sandbox)


def refused(kind, call, *args, **kwargs):
    with pytest.raises(MailOAuth2Error) as caught:
        call(*args, **kwargs)
    assert type(caught.value) is kind, caught.value
    return caught.value


# --- beginning -----------------------------------------------------------------------------


def test_a_code_comes_with_a_link_and_an_end(device):
    begun = device.begin()
    assert begun.verification_uri == f"{device.sandbox.web}/devicelogin"
    assert begun.user_code in begun.message
    assert begun.interval == 5
    assert 890 <= begun.expires_at - device.provider().now() <= 900


def test_what_is_kept_is_not_what_is_shown(device):
    begun = device.begin()
    shown = f"{begun.user_code} {begun.verification_uri} {begun.message} {begun!r}"
    assert begun.pending["device_code"] not in shown


def test_beginning_sends_no_secret_and_asks_for_every_resource(device):
    begun = device.begin(("smtp", "graph"))
    device.enter(begun)
    scopes = device.poll(begun, ("smtp", "graph")).scopes
    assert {"https://outlook.office.com/SMTP.Send", "Mail.Send"} <= set(scopes)


def test_an_unknown_app_is_named_before_there_is_a_code(device):
    nobody = "00000000-0000-4000-8000-000000000000"
    assert refused(ConfigurationError, device.begin, client_id=nobody).key == "aadsts_700016"


GOOD = {"device_code": "d", "user_code": "u", "verification_uri": "https://login.example/"}


@pytest.mark.parametrize(
    "answer",
    [
        {},
        GOOD | {"device_code": None},
        GOOD | {"user_code": 5},
        GOOD | {"verification_uri": "javascript:alert(1)"},
        GOOD | {"verification_uri": "javascript://login.example/%0aalert(1)"},
        GOOD | {"verification_uri": "https://"},
        GOOD | {"interval": 0},
        GOOD | {"interval": "x"},
        GOOD | {"expires_in": 0},
    ],
)
def test_an_answer_nobody_could_use_is_not_shown(device, monkeypatch, answer):
    def checked(_http, _response, _secrets=()):
        return dict(answer)

    provider = device.provider()
    provider._device_application()  # keeps the metadata
    monkeypatch.setattr(microsoft_device.DeviceHttp, "_checked", checked)
    assert refused(UnreachableError, provider.begin_device_sign_in, resources=["smtp"])


def test_metadata_may_not_lead_the_question_for_a_code_to_another_host(entra):
    entra.metadata_changes = {"device_authorization_endpoint": "https://evil.example/devicecode"}
    begin = entra.provider().begin_device_sign_in
    error = refused(ConfigurationError, begin, resources=["smtp"])
    assert (error.key, error.details["other_host"]) == ("authority_moved", "evil.example")


def test_an_authority_without_codes_is_an_answer_that_makes_no_sense(entra):
    begin = entra.provider().begin_device_sign_in
    assert refused(UnreachableError, begin, resources=["smtp"]).key == "answer_incomplete"


# --- polling -------------------------------------------------------------------------------


def test_there_is_nothing_before_somebody_signs_in(device):
    begun = device.begin()
    assert device.poll(begun) is None
    assert device.poll(begun) is None
    device.enter(begun)
    assert device.poll(begun).identity.address == ERIN


def test_a_poll_is_one_call(device):
    begun = device.begin()
    device.poll(begun)
    assert len(device.token_calls()) == 1
    device.enter(begun)
    device.poll(begun)
    assert len(device.token_calls()) == 2


def test_who_signed_in_is_checked_as_in_the_browser(device):
    identity = device.connect().identity
    assert identity.tenant == device.sandbox.microsoft["tenant"]
    assert identity.subject.startswith(f"{identity.tenant}.")
    assert identity.name == "Erin Rhodes"


def test_an_account_of_another_tenant_gets_nowhere(device):
    begun = device.begin()
    browser = device.sandbox.browser()
    data = {"code": begun.user_code, "account": "pat@outlook.example", "decision": "accept"}
    assert "AADSTS50020" in browser.post(begun.verification_uri, data=data, timeout=10).text
    assert device.poll(begun) is None


def test_a_token_of_the_past_or_future_is_refused(device):
    begun = device.begin()
    device.enter(begun)
    device.sandbox.api("clock", {"advance": 600})
    assert refused(SignInRejectedError, device.poll, begun).key == "id_token_not_yet_valid"


def test_declining_ends_it(device):
    begun = device.begin()
    device.enter(begun, decision="cancel")
    assert refused(SignInRejectedError, device.poll, begun).key == "entra_authorization_declined"


def test_waiting_too_long_ends_it(device):
    begun = device.begin()
    device.sandbox.api("clock", {"advance": 901})
    assert refused(SignInRejectedError, device.poll, begun).key == "entra_expired_token"


def test_a_code_that_microsoft_does_not_know_ends_it(device):
    begun = device.begin()
    begun.pending["device_code"] = "made-up"
    assert refused(SignInRejectedError, device.poll, begun).key == "entra_bad_verification_code"


def test_a_code_is_redeemed_once(device):
    begun = device.begin()
    device.enter(begun)
    device.poll(begun)
    assert refused(SignInRejectedError, device.poll, begun).key == "aadsts_54005"


def test_an_app_without_public_client_flows_is_told_as_such(device):
    client_id = device.sandbox.microsoft["client_id"]
    device.sandbox.api("clients", {"client_id": client_id, "public": False})
    begun = device.begin()
    assert refused(ConfigurationError, device.poll, begun).key == "aadsts_7000218"


def test_slow_down_names_a_longer_pause(device):
    begun = device.begin()
    device.sandbox.fault(TOKEN, "error", error="slow_down", message="Slow down")
    assert refused(ThrottledError, device.poll, begun).retry_after == 10
    device.enter(begun)
    assert device.poll(begun).identity.address == ERIN


@pytest.mark.parametrize("kind", ["drop", "html", "half_json"])
def test_an_outage_while_waiting_does_not_end_it(device, kind):
    begun = device.begin()
    device.poll(begun)
    device.sandbox.fault(TOKEN, kind, times=1)
    with pytest.raises(TransientError):
        device.poll(begun)
    device.enter(begun)
    assert device.poll(begun).identity.address == ERIN


def test_the_code_is_in_no_error(device):
    begun = device.begin()
    code = begun.pending["device_code"]
    device.sandbox.fault(TOKEN, "error", code="70000", message=f"AADSTS70000: {code} is bad")
    error = refused(SignInRejectedError, device.poll, begun)
    assert code not in f"{error} {error.provider_text}"


@pytest.mark.parametrize("code", [65001, 90094, 90095])
def test_an_administrator_who_must_approve_is_told_apart(device, code):
    begun = device.begin()
    device.sandbox.fault(TOKEN, "error", code=str(code))
    assert refused(AdminConsentError, device.poll, begun).key == f"aadsts_{code}"


# --- afterwards ----------------------------------------------------------------------------


def test_such_a_grant_is_refreshed_without_the_secret(device):
    grant = device.connect()
    for _week in range(2):
        device.sandbox.api("clock", {"advance": WEEK})
        # A wrong secret would be refused: none is sent.
        grant = device.provider(client_secret="wrong").refresh(grant.cache, resource="smtp")
        assert grant.renewed
        assert grant.tokens["smtp"].value


def test_a_grant_of_the_redirect_flow_still_sends_the_secret(device):
    provider = device.provider()
    begun = provider.begin_sign_in(resources=["smtp"], redirect_uri=REDIRECT_URI, state="s" * 20)
    params = callback_params(device.sandbox.sign_in(begun.url, ERIN))
    grant = provider.finish_sign_in(begun.pending, params, resources=["smtp"])
    wrong = device.provider(client_secret="wrong")
    assert refused(ConfigurationError, wrong.refresh, grant.cache, resource="smtp")


def test_a_registration_without_a_secret_signs_in_and_refreshes(device):
    client_id = device.sandbox.microsoft["client_id"]
    device.sandbox.api("clients", {"client_id": client_id, "secret": ""})
    begun = device.begin(client_secret="")
    device.enter(begun)
    grant = device.poll(begun, client_secret="")
    renewed = device.provider(client_secret="").refresh(grant.cache, resource="smtp")
    assert renewed.tokens["smtp"].value != grant.tokens["smtp"].value


def test_a_second_resource_is_fetched_without_the_secret_too(device):
    begun = device.begin(("smtp", "graph"), client_secret="wrong")
    device.enter(begun)
    assert len(device.poll(begun, ("smtp", "graph"), client_secret="wrong").tokens) == 2


def test_each_resource_has_its_own_token(device):
    grant = device.connect(("smtp", "graph"))
    assert grant.tokens["smtp"].value != grant.tokens["graph"].value
    for resource in ("graph", "smtp"):
        renewed = device.provider().refresh(grant.cache, resource=resource)
        assert renewed.tokens[resource].value


def test_a_second_resource_that_is_away_for_a_moment_does_not_spoil_it(device):
    begun = device.begin(("smtp", "graph"))
    device.enter(begun)
    refresh = {"match": {"grant_type": "refresh_token"}}
    device.sandbox.fault(TOKEN, "drop", times=1, **refresh)
    assert len(device.poll(begun, ("smtp", "graph")).tokens) == 1


def test_a_permission_that_was_not_given_is_told(device):
    begun = device.begin(("smtp",))
    device.enter(begun)
    error = refused(SignInRejectedError, device.poll, begun, ("graph",))
    assert error.key == "scope_missing"


def test_a_revoked_grant_needs_a_sign_in(device):
    grant = device.connect()
    device.sandbox.api("grants/revoke", {"account": ERIN})
    refused(SignInNeededError, device.provider().refresh, grant.cache, resource="smtp")


# --- who offers it -------------------------------------------------------------------------


@pytest.mark.parametrize("code", sorted(set(PROVIDERS) - DEVICE_CODE_PROVIDERS))
def test_others_offer_neither_codes_nor_a_page_for_administrators(sandbox, code):
    where = getattr(sandbox, code)
    names = ("client_id", "client_secret", "authority_url", "token_url", "tenant")
    app = {name: where[name] for name in names if name in where}
    provider = provider_for(code, AppRegistration(mail_scope_url="https://mail.example", **app))
    assert refused(ConfigurationError, provider.begin_device_sign_in, resources=["smtp"])
    assert refused(ConfigurationError, provider.poll_device_sign_in, {}, resources=["smtp"])
    asked = {"resources": ["smtp"], "redirect_uri": REDIRECT_URI, "state": "s"}
    assert provider.admin_consent_url(**asked) == ""


# --- the administrator's consent -----------------------------------------------------------


def consent_url(device, resources=("smtp", "graph"), **app):
    asked = {"resources": resources, "redirect_uri": REDIRECT_URI, "state": "the state"}
    return device.provider(**app).admin_consent_url(**asked)


def test_an_administrator_opens_the_link_and_then_everybody_can_sign_in(device):
    device.sandbox.settings(admin_consent_required=True)
    answer = callback_params(device.sandbox.sign_in(consent_url(device), "anna@contoso.example"))
    assert answer["admin_consent"] == "True"
    assert answer["state"] == "the state"
    provider, resources = device.provider(), ["smtp", "graph"]
    begun = provider.begin_sign_in(resources=resources, redirect_uri=REDIRECT_URI, state="s" * 20)
    params = callback_params(device.sandbox.sign_in(begun.url, ERIN))
    grant = provider.finish_sign_in(begun.pending, params, resources=resources)
    assert set(grant.tokens) == {"smtp", "graph"}


def test_the_link_holds_what_is_asked_for_and_no_secret(device):
    url = consent_url(device, ("graph", "graph_shared"))
    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert query["scope"] == "openid profile offline_access Mail.Send Mail.Send.Shared"
    assert query["redirect_uri"] == REDIRECT_URI
    assert device.sandbox.microsoft["client_secret"] not in url
    assert "+" not in url


@pytest.mark.parametrize(
    ("resource", "scopes"),
    [
        ("graph", "Mail.Send"),
        ("graph_shared", "Mail.Send Mail.Send.Shared"),
        ("graph_read_write", "Mail.Send Mail.ReadWrite"),
        ("graph_shared_read_write", "Mail.Send Mail.Send.Shared Mail.ReadWrite.Shared"),
    ],
)
def test_a_resource_asks_for_the_least_permissions(device, resource, scopes):
    query = parse_qs(urlsplit(consent_url(device, (resource,))).query)
    assert query["scope"] == [f"openid profile offline_access {scopes}"]


def test_the_link_of_an_app_for_everybody_is_for_organizations(device):
    link = urlsplit(consent_url(device, tenant="common"))
    assert link.path == "/organizations/v2.0/adminconsent"


def test_personal_accounts_have_no_administrator(device):
    assert consent_url(device, tenant="consumers") == ""
