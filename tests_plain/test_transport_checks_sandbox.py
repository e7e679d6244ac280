"""Each check of a diagnosis against the sandbox: what it finds, and how it fails."""

import time
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from mail_server_oauth2 import exceptions as exc
from mail_server_oauth2.providers import AccessToken, provider_for
from mail_server_oauth2.transport import check_clock, check_smtp, check_tls
from mail_server_oauth2.transport.check_smtp import SmtpServer
from mail_server_oauth2.transport.smtp import SmtpSession
from transport_sandbox import app_registration, sign_in

pytest_plugins = ["sandbox_fixture"]

ERIN, GOOGLE_ERIN = "erp@contoso.example", "erp@northwind.example"
TLS_FAULTS = {
    "tls_untrusted": "tls_untrusted",
    "tls_wrong_name": "tls_wrong_host",
    "tls_expired": "tls_expired",
}


@pytest.fixture
def trusted(sandbox, monkeypatch):
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, sandbox.ca_file)
    return sandbox


@pytest.fixture(params=["microsoft", "google"])
def smtp(request, trusted):
    """A mail server of each provider, with STARTTLS."""
    return server_of(trusted, request.param)


def server_of(sandbox, provider, encryption="starttls_strict", **options):
    place = sandbox.description[provider]
    name = "smtps_port" if encryption.startswith("ssl") else "smtp_port"
    return SmtpServer(place["smtp_host"], place[name], encryption, **options)


def provider_of(sandbox, code):
    place = sandbox.description[code]
    api_url = place.get("graph_url") or place.get("api_url")
    return provider_for(code, app_registration(place, api_url=api_url))


def key_of(call, *args, **kwargs):
    with pytest.raises(exc.MailOAuth2Error) as caught:
        call(*args, **kwargs)
    return caught.value.key


class TestCertificate:
    def test_of_a_mail_server_is_read(self, smtp):
        certificate = check_tls.smtp_certificate(smtp)
        assert certificate.names == ("localhost", "127.0.0.1")
        assert certificate.issuer.startswith("Sandbox")
        assert certificate.valid_until > datetime.now(UTC)
        assert certificate.protocol.startswith("TLSv1.")

    def test_of_a_mail_server_with_tls_from_the_first_byte_is_read(self, trusted):
        certificate = check_tls.smtp_certificate(server_of(trusted, "google", "ssl_strict"))
        assert "localhost" in certificate.names

    def test_of_an_https_host_is_read(self, trusted):
        assert "localhost" in check_tls.https_certificate(trusted.https).names

    @pytest.mark.parametrize("fault, key", TLS_FAULTS.items())
    def test_of_a_mail_server_that_is_bad_is_refused_and_can_be_looked_at(
        self, smtp, trusted, fault, key
    ):
        place = "google_smtp" if smtp.port == trusted.google["smtp_port"] else "microsoft_smtp"
        trusted.fault(f"{place}.starttls", fault, times=None)
        with pytest.raises(exc.UnreachableError) as caught:
            check_tls.smtp_certificate(smtp)
        assert caught.value.key == key
        assert caught.value.details["host"] == "localhost"
        self.check_words(fault, check_tls.smtp_certificate(smtp, verify=False))

    @pytest.mark.parametrize("fault, key", TLS_FAULTS.items())
    def test_of_an_https_host_that_is_bad_is_refused_and_can_be_looked_at(
        self, trusted, fault, key
    ):
        trusted.fault("https.tls", fault, times=None)
        assert key_of(check_tls.https_certificate, trusted.https) == key
        self.check_words(fault, check_tls.https_certificate(trusted.https, verify=False))

    def check_words(self, fault, certificate):
        """What the refused certificate says is what people need to know."""
        if fault == "tls_untrusted":
            assert certificate.issuer.startswith("Somebody else")
        elif fault == "tls_wrong_name":
            assert certificate.names == ("other.example",)
        else:
            assert certificate.valid_until < datetime.now(UTC)

    def test_is_trusted_by_the_same_authorities_as_requests(self, sandbox, monkeypatch):
        for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            monkeypatch.delenv(name, raising=False)
        assert key_of(check_tls.https_certificate, sandbox.https) == "tls_untrusted"
        assert key_of(check_tls.verify_through_proxy, sandbox.https) == "tls_untrusted"
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", sandbox.ca_file)
        check_tls.https_certificate(sandbox.https)
        check_tls.verify_through_proxy(provider_of(sandbox, "microsoft").public_url)

    def test_without_starttls_is_an_error(self, smtp, trusted):
        place = "google_smtp" if smtp.port == trusted.google["smtp_port"] else "microsoft_smtp"
        trusted.fault(f"{place}.ehlo", "reply", status=250, message="localhost", times=None)
        assert key_of(check_tls.smtp_certificate, smtp) == "smtp_extension_missing"

    def test_days_left_are_whole_days(self, smtp):
        certificate = check_tls.smtp_certificate(smtp)
        now = certificate.valid_until - timedelta(days=3, hours=5)
        assert certificate.days_left(now.timestamp()) == 3


class TestMailServer:
    def test_offers_what_the_providers_offer(self, smtp):
        assert "XOAUTH2" in check_smtp.offered_methods(smtp)

    def test_without_xoauth2_is_an_error_with_what_it_offers(self):
        with pytest.raises(exc.ConfigurationError) as caught:
            check_smtp.check_xoauth2_offered(("LOGIN", "PLAIN"))
        assert caught.value.key == "smtp_xoauth2_missing"
        assert caught.value.provider_text == "AUTH LOGIN PLAIN"

    def test_without_a_method_for_passwords_is_an_error(self):
        check_smtp.check_password_offered(("LOGIN",))
        call = check_smtp.check_password_offered
        assert key_of(call, ("XOAUTH2",)) == "smtp_password_not_offered"
        assert key_of(call, ()) == "smtp_password_not_offered"

    @pytest.mark.parametrize("place", ["connect", "ehlo", "starttls"])
    def test_that_hangs_is_given_up(self, trusted, place):
        trusted.fault(f"microsoft_smtp.{place}", "hang")
        server = server_of(trusted, "microsoft", timeout=0.3)
        before = time.monotonic()
        assert key_of(check_smtp.offered_methods, server) in ("read_timeout", "connect_timeout")
        assert time.monotonic() - before < 5

    def test_is_left_politely(self, smtp, trusted):
        check_smtp.offered_methods(smtp)
        places = ("microsoft_smtp", "google_smtp")
        assert sum(trusted.count(place, "QUIT", 221) for place in places) == 1

    def test_is_not_verified_where_the_settings_do_not_ask_for_it(self, trusted):
        trusted.fault("microsoft_smtp.starttls", "tls_untrusted", times=None)
        server = server_of(trusted, "microsoft", "starttls")
        assert check_tls.smtp_certificate(server).issuer.startswith("Somebody else")
        assert key_of(check_tls.smtp_certificate, server, verify=True) == "tls_untrusted"

    def test_connection_is_good_for_a_session_of_the_queue(self, trusted):
        tokens = sign_in(trusted, "microsoft", trusted.microsoft, "smtp", ERIN)
        session = SmtpSession(
            connect=server_of(trusted, "microsoft").connect, mailbox=ERIN, get_token=tokens
        )
        session.verify(ERIN)
        session.quit()
        assert trusted.messages() == []


class TestPassword:
    def test_is_refused_by_exchange_with_words_about_the_type(self, trusted):
        call = check_smtp.sign_in_with_password
        key = key_of(call, server_of(trusted, "microsoft"), ERIN, "correct horse")
        assert key == "smtp_basic_auth_disabled"

    def test_is_refused_by_gmail_with_words_about_passwords(self, trusted):
        call = check_smtp.sign_in_with_password
        key = key_of(call, server_of(trusted, "google"), GOOGLE_ERIN, "correct horse")
        assert key in ("gmail_password_login", "smtp_password_refused")

    @pytest.mark.parametrize(
        "reply",
        ["5.7.8 Error: authentication failed", "5.7.139 the user credentials were incorrect"],
    )
    def test_that_is_wrong_is_not_called_a_token(self, trusted, reply):
        trusted.fault("microsoft_smtp.auth", "reply", status=535, message=reply, times=None)
        call = check_smtp.sign_in_with_password
        key = key_of(call, server_of(trusted, "microsoft"), ERIN, "correct horse")
        assert key == "smtp_password_refused"

    @pytest.mark.parametrize(
        "written", ["correct horse", "Y29ycmVjdCBob3JzZQ==", "AGVycABjb3JyZWN0IGhvcnNl"]
    )
    def test_that_a_server_repeats_is_not_shown(self, trusted, written):
        message = f"5.7.8 I do not understand {written}"
        trusted.fault("microsoft_smtp.auth", "reply", status=535, message=message, times=None)
        with pytest.raises(exc.ConfigurationError) as caught:
            check_smtp.sign_in_with_password(
                server_of(trusted, "microsoft"), "erp", "correct horse"
            )
        assert written not in caught.value.provider_text
        assert caught.value.provider_text.startswith("535 5.7.8 I do not understand")


class TestClock:
    def url(self, sandbox, code="microsoft"):
        return provider_of(sandbox, code).public_url

    @pytest.mark.parametrize("code", ["microsoft", "google"])
    def test_agrees_with_a_provider_that_has_the_same_time(self, trusted, code):
        assert abs(check_clock.clock_skew(self.url(trusted, code))) < 5

    @pytest.mark.parametrize("seconds", [-900, 900])
    def test_difference_has_a_sign(self, trusted, seconds):
        trusted.api("clock", {"advance": -seconds})
        assert abs(check_clock.clock_skew(self.url(trusted)) - seconds) < 5

    @pytest.mark.parametrize("date", ["yesterday", ""])
    def test_host_without_a_date_is_an_error(self, trusted, date):
        trusted.fault("microsoft.metadata", "reply", status=200, headers={"Date": date})
        assert key_of(check_clock.clock_skew, self.url(trusted)) == "answer_incomplete"

    def test_host_that_is_not_there_is_an_error(self, trusted):
        trusted.fault("microsoft.metadata", "drop")
        assert key_of(check_clock.clock_skew, self.url(trusted)) == "connection_dropped"


class TestTokenContents:
    def inspect(self, sandbox, code, resource, account):
        tokens = sign_in(sandbox, code, sandbox.description[code], resource, account)
        provider = provider_of(sandbox, code)
        return provider.inspect(tokens(False), resource=resource)

    def test_of_microsoft_are_read_from_the_token(self, trusted):
        contents = self.inspect(trusted, "microsoft", "smtp", ERIN)
        assert contents.audience == "https://outlook.office.com"
        assert (contents.account, contents.is_expected) == (ERIN, True)
        assert any("SMTP.Send" in name for name in contents.permissions)

    def test_of_graph_are_read_from_the_token(self, trusted):
        contents = self.inspect(trusted, "microsoft", "graph", ERIN)
        assert (contents.audience, contents.is_expected) == ("https://graph.microsoft.com", True)

    def test_of_a_personal_account_cannot_be_read_and_that_is_fine(self, trusted):
        trusted.description["microsoft"]["tenant"], kept = "consumers", trusted.microsoft["tenant"]
        try:
            contents = self.inspect(trusted, "microsoft", "graph", "pat@outlook.example")
        finally:
            trusted.description["microsoft"]["tenant"] = kept
        assert (contents.audience, contents.account, contents.is_expected) == ("", "", True)
        assert "Mail.Send" in contents.permissions

    def test_of_google_are_asked_for(self, trusted):
        contents = self.inspect(trusted, "google", "smtp", GOOGLE_ERIN)
        assert contents.account == GOOGLE_ERIN
        assert "https://mail.google.com/" in contents.permissions
        assert trusted.count("google.tokeninfo") == 1

    def test_token_for_the_other_service_is_an_error_that_names_it(self, trusted):
        tokens = sign_in(trusted, "microsoft", trusted.microsoft, "graph", ERIN)
        token = AccessToken(tokens(False).value, scopes=("https://outlook.office.com/SMTP.Send",))
        with pytest.raises(exc.ConfigurationError) as caught:
            provider_of(trusted, "microsoft").inspect(token, resource="smtp")
        assert caught.value.key == "token_wrong_audience"
        assert caught.value.details == {"audience": "https://graph.microsoft.com"}

    def test_token_for_a_service_that_nobody_knows_is_only_doubtful(self, trusted):
        provider = provider_of(trusted, "microsoft")
        value = _unsigned({"aud": "https://partner.outlook.example/"})
        contents = provider.inspect(AccessToken(value, scopes=("SMTP.Send",)), resource="smtp")
        assert contents.audience == "https://partner.outlook.example"
        assert not contents.is_expected

    def test_missing_permission_is_an_error_that_names_it(self, trusted):
        provider = provider_of(trusted, "microsoft")
        token = AccessToken("opaque", scopes=("Mail.Send", "openid"))
        with pytest.raises(exc.SignInNeededError) as caught:
            provider.inspect(token, resource="graph_shared")
        assert caught.value.key == "scope_missing"
        assert caught.value.details == {"scopes": "Mail.Send.Shared"}

    def test_answer_without_permissions_means_those_that_were_asked_for(self, trusted):
        token = AccessToken("opaque")
        assert provider_of(trusted, "microsoft").inspect(token, resource="graph").is_expected


def _unsigned(claims):
    return jwt.encode(claims, "a key of nobody, long enough to be one", algorithm="HS256")
