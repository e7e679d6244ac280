"""Whole flows against the sandbox, which follows the providers' manners to the letter."""

import pytest
from mail_server_oauth2.exceptions import (
    ConfigurationError,
    ConsentNeededError,
    MailOAuth2Error,
    SignInNeededError,
    SignInRejectedError,
    ThrottledError,
    TransientError,
    UnreachableError,
)
from mail_server_oauth2.providers import AppRegistration, microsoft_http, provider_for
from sandbox_process import REDIRECT_URI, callback_params

pytest_plugins = ("sandbox_fixture",)
pytestmark = pytest.mark.filterwarnings("ignore:response_mode='form_post'")

STATE = "st4te"
WEEK = 7 * 24 * 3600


class Company:
    """An administrator with a provider, a browser and an account."""

    account = ""
    resources = ("smtp",)
    code = place = ""

    def __init__(self, sandbox):
        self.sandbox = sandbox

    def app(self, **changes):
        where = getattr(self.sandbox, self.code)
        fields = {
            "client_id": where["client_id"],
            "client_secret": where["client_secret"],
            "authority_url": where["authority_url"],
            **self.hosts(where),
        }
        return AppRegistration(**fields | changes)

    def provider(self, **changes):
        return provider_for(self.code, self.app(**changes))

    def connect(self, *, account="", consent=None, provider=None, **options):
        """Sign in and return the grant."""
        provider = provider or self.provider()
        begun = provider.begin_sign_in(
            resources=self.resources, redirect_uri=REDIRECT_URI, state=STATE, **options
        )
        back = self.sandbox.sign_in(begun.url, account or self.account, **(consent or {}))
        params = callback_params(back)
        return provider.finish_sign_in(begun.pending, params, resources=self.resources)

    def refresh(self, grant, resource="smtp", **app):
        return self.provider(**app).refresh(grant.cache, resource=resource)


class Contoso(Company):
    code, place = "microsoft", "microsoft.token"
    account = "erp@contoso.example"
    resources = ("smtp", "graph")

    @staticmethod
    def hosts(where):
        return {"tenant": where["tenant"], "mail_scope_url": where["mail_scope_url"]}


class Northwind(Company):
    code, place = "google", "google.token"
    account = "erp@northwind.example"

    @staticmethod
    def hosts(where):
        return {"token_url": where["token_url"]}


@pytest.fixture(autouse=True)
def trust_the_sandbox(sandbox, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", sandbox.ca_bundle)
    microsoft_http.shared_metadata.clear()


@pytest.fixture(params=[Contoso, Northwind])
def company(request, sandbox):
    return request.param(sandbox)


@pytest.fixture
def contoso(sandbox):
    return Contoso(sandbox)


@pytest.fixture
def northwind(sandbox):
    return Northwind(sandbox)


def refused(kind, call, *args, **kwargs):
    with pytest.raises(MailOAuth2Error) as caught:
        call(*args, **kwargs)
    assert type(caught.value) is kind, caught.value
    return caught.value


# --- every provider ------------------------------------------------------------------------


def test_a_mailbox_is_connected_and_refreshed(company):
    grant = company.connect(login_hint=company.account)
    assert grant.identity.address == company.account
    assert set(grant.tokens) == set(company.resources)
    for resource in company.resources:
        renewed = company.refresh(grant, resource)
        assert renewed.tokens[resource].value != grant.tokens[resource].value


def test_cancelling_on_the_consent_page_is_told_as_such(company):
    error = refused(SignInRejectedError, company.connect, consent={"decision": "cancel"})
    assert error.key == "sign_in_cancelled"


def test_an_outage_of_the_token_endpoint_keeps_the_grant(company):
    grant = company.connect()
    for kind, error in (("drop", UnreachableError), ("html", TransientError)):
        company.sandbox.fault(company.place, kind)
        with pytest.raises(TransientError) as caught:
            company.refresh(grant)
        assert isinstance(caught.value, error)
    company.sandbox.fault(company.place, "half_json")
    assert refused(UnreachableError, company.refresh, grant).key == "not_json"
    assert company.refresh(grant).tokens["smtp"].value


def test_throttling_says_how_long(company):
    grant = company.connect()
    company.sandbox.fault(company.place, "reply", status=429, retry_after="17")
    assert refused(ThrottledError, company.refresh, grant).retry_after == 17.0


def test_a_revoked_grant_needs_a_sign_in(company):
    grant = company.connect()
    company.sandbox.api("grants/revoke", {"account": company.account})
    refused(SignInNeededError, company.refresh, grant)


def test_a_wrong_secret_is_a_configuration_error(company):
    grant = company.connect()
    refused(ConfigurationError, company.refresh, grant, client_secret="wrong")
    assert company.refresh(grant).tokens["smtp"].value


def test_a_second_use_of_a_code_is_refused(company):
    provider = company.provider()
    begun = provider.begin_sign_in(
        resources=company.resources, redirect_uri=REDIRECT_URI, state=STATE
    )
    params = callback_params(company.sandbox.sign_in(begun.url, company.account))
    finish = provider.finish_sign_in
    finish(begun.pending, params, resources=company.resources)
    refused(SignInRejectedError, finish, begun.pending, params, resources=company.resources)


def test_a_clock_that_is_an_hour_late_is_told_apart(company):
    company.sandbox.api("clock", {"advance": 3600})
    assert refused(SignInRejectedError, company.connect).key == "id_token_not_yet_valid"


# --- Microsoft -----------------------------------------------------------------------------


def test_microsoft_rotates_and_the_newest_refresh_token_lives_on(contoso):
    grant = contoso.connect()
    for _week in range(3):
        contoso.sandbox.api("clock", {"advance": WEEK})
        renewed = contoso.refresh(grant)
        assert renewed.renewed
        grant = renewed


def test_ninety_days_without_use_end_a_microsoft_grant(contoso):
    grant = contoso.connect()
    contoso.sandbox.api("clock", {"advance": 91 * 24 * 3600})
    assert refused(SignInNeededError, contoso.refresh, grant).key == "aadsts_700082"


def test_a_tenant_is_found_by_its_domain_too(contoso):
    domain = contoso.sandbox.microsoft["tenant_domain"]
    grant = contoso.connect(provider=contoso.provider(tenant=domain))
    assert grant.identity.tenant == contoso.sandbox.microsoft["tenant"]


def test_an_unknown_microsoft_tenant_is_named(contoso):
    provider = contoso.provider(tenant="nobody.example")
    assert refused(ConfigurationError, contoso.connect, provider=provider).key == "aadsts_90002"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (50173, SignInNeededError),
        (53003, SignInNeededError),
        (65001, SignInNeededError),
        (7000222, ConfigurationError),
        (7000215, ConfigurationError),
        (500011, ConfigurationError),
    ],
)
def test_what_entra_answers_has_its_class(contoso, code, kind):
    grant = contoso.connect()
    contoso.sandbox.fault("microsoft.token", "error", code=str(code))
    error = refused(kind, contoso.refresh, grant)
    assert error.key == f"aadsts_{code}"
    assert f"AADSTS{code}" in error.provider_text
    assert error.request_id


# --- Google --------------------------------------------------------------------------------


def test_google_names_the_owner_and_forgets_a_revoked_grant(northwind):
    grant = northwind.connect()
    provider = northwind.provider()
    assert provider.check(grant.tokens["smtp"], resource="smtp") == grant.identity.__class__(
        subject=grant.identity.subject, address=northwind.account
    )
    assert provider.revoke(grant.cache) is True
    error = refused(SignInNeededError, provider.check, grant.tokens["smtp"], resource="smtp")
    assert error.key == "google_invalid_token"
    refused(SignInNeededError, northwind.refresh, grant)


def test_a_second_sign_in_at_google_needs_the_consent_page_again(northwind):
    northwind.connect()
    assert refused(ConsentNeededError, northwind.connect).key == "google_no_refresh_token"
    again = northwind.connect(force_consent=True)
    assert northwind.refresh(again).tokens["smtp"].value


def test_an_unticked_mail_permission_is_told(northwind):
    consent = {"scope": ["https://www.googleapis.com/auth/userinfo.email"]}
    error = refused(SignInRejectedError, northwind.connect, consent=consent)
    assert error.key == "scope_missing"


def test_a_private_gmail_account_has_no_tenant(northwind):
    identity = northwind.connect(account="gus@gmail.example").identity
    assert (identity.address, identity.tenant) == ("gus@gmail.example", "")


@pytest.mark.parametrize("resource", ["graph_read_write", "graph_shared_read_write"])
def test_permission_to_read_and_write_needs_its_own_consent(contoso, resource):
    contoso.resources = ("graph",)
    sending = contoso.connect()
    refused(SignInNeededError, contoso.refresh, sending, resource)
    contoso.resources = ("smtp", resource)
    grant = contoso.connect()
    assert set(grant.tokens) == {"smtp", resource}
    assert "Mail.Send" in contoso.refresh(grant, resource).tokens[resource].scopes
    assert contoso.refresh(grant, "graph").tokens["graph"].value
