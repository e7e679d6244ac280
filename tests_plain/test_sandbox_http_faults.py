"""The sandbox's faults at its HTTP endpoints, as ``requests`` sees them."""

import pytest
import requests
from sandbox_clients import ERP, graph_token, mail, microsoft_grant, microsoft_token, send_mime

pytest_plugins = ["sandbox_fixture"]

REFRESH = {"match": {"grant_type": "refresh_token"}}


@pytest.fixture
def grant(sandbox):
    return microsoft_grant(sandbox)


@pytest.fixture
def refresh(sandbox, grant):
    def call():
        form = {"grant_type": "refresh_token", "refresh_token": grant["refresh_token"]}
        return microsoft_token(sandbox, **form)

    return call


def test_a_dropped_connection_has_no_answer(sandbox, refresh):
    sandbox.fault("microsoft.token", "drop")
    with pytest.raises(requests.ConnectionError):
        refresh()
    assert refresh().status_code == 200


def test_a_hanging_endpoint_answers_nobody(sandbox, grant):
    sandbox.fault("microsoft.token", "hang")
    tenant = sandbox.microsoft["tenant"]
    with pytest.raises(requests.ReadTimeout):
        sandbox.session.post(f"{sandbox.https}/{tenant}/oauth2/v2.0/token", timeout=0.2)
    assert sandbox.api("tokens")[-1]["fault"] == "hang"


def test_html_and_half_a_json_instead_of_json(sandbox, refresh):
    sandbox.fault("microsoft.token", "html")
    sandbox.fault("microsoft.token", "half_json")
    html, half = refresh(), refresh()
    assert (html.status_code, html.headers["content-type"]) == (502, "text/html; charset=utf-8")
    assert half.status_code == 200
    with pytest.raises(ValueError, match="Unterminated"):
        half.json()


def test_any_entra_error_can_be_forced_with_its_usual_meaning(sandbox, refresh):
    sandbox.fault("microsoft.token", "error", code=53003)
    sandbox.fault("microsoft.token", "error", code=90055, retry_after="7")
    sandbox.fault("microsoft.token", "error", code=50076, error="interaction_required")
    blocked, throttled, other = refresh(), refresh(), refresh()
    assert (blocked.status_code, blocked.json()["error_codes"]) == (400, [53003])
    assert (blocked.json()["error"], blocked.json()["suberror"]) == (
        "invalid_grant",
        "message_only",
    )
    assert "capolids" in blocked.json()["claims"]
    assert (throttled.status_code, throttled.headers["Retry-After"]) == (429, "7")
    assert other.json()["error"] == "interaction_required"


def test_a_fault_strikes_as_often_as_it_was_told(sandbox, refresh):
    sandbox.fault("microsoft.token", "reply", status=503, times=2, after=1)
    assert [refresh().status_code for _ in range(4)] == [200, 503, 503, 200]
    sandbox.fault("microsoft.token", "reply", status=503, times=None)
    assert [refresh().status_code for _ in range(3)] == [503, 503, 503]
    sandbox.api("faults", method="DELETE")
    assert refresh().status_code == 200


def test_a_fault_can_wait_for_one_grant_type_or_account(sandbox, refresh):
    sandbox.fault("microsoft.token", "error", code=50173, **REFRESH)
    sandbox.fault("microsoft.token", "error", code=65001, match={"account": "anna@contoso.example"})
    microsoft_grant(sandbox)
    assert refresh().json()["error_codes"] == [50173]
    assert refresh().status_code == 200


def test_the_token_log_counts_every_request_once(sandbox, refresh):
    for kind in ("drop", "html", "error"):
        sandbox.fault("microsoft.token", kind, code=50173)
    for _ in range(4):
        try:
            refresh()
        except requests.ConnectionError:
            continue
    log = [(entry["status"], entry["error"], entry["fault"]) for entry in sandbox.api("tokens")[1:]]
    assert log == [
        (0, "", "drop"),
        (502, "", "html"),
        (400, "invalid_grant", "error"),
        (200, "", ""),
    ]
    assert sandbox.count("microsoft.token") == 5


def test_a_processed_request_takes_effect_without_an_answer(sandbox):
    token = graph_token(sandbox)
    sandbox.fault("graph.sendmail", "drop", processed=True)
    with pytest.raises(requests.ConnectionError):
        send_mime(sandbox, token, mail(ERP))
    sandbox.fault("graph.sendmail", "error", code="GatewayTimeout", processed=True)
    assert send_mime(sandbox, token, mail(ERP)).status_code == 504
    sandbox.fault("graph.sendmail", "drop")
    with pytest.raises(requests.ConnectionError):
        send_mime(sandbox, token, mail(ERP))
    assert len(sandbox.messages()) == 2


@pytest.mark.parametrize("retry_after", ["5", "2.128", ""])
def test_graph_throttles_with_every_kind_of_retry_after(sandbox, retry_after):
    sandbox.fault("graph.sendmail", "error", code="ApplicationThrottled", retry_after=retry_after)
    response = send_mime(sandbox, graph_token(sandbox), mail(ERP))
    assert response.status_code == 429
    assert response.json()["error"]["message"] == (
        "Application is over its MailboxConcurrency limit."
    )
    assert response.headers.get("Retry-After", "") == retry_after


def test_200_without_sending_is_possible(sandbox):
    sandbox.fault("graph.sendmail", "reply", status=200)
    assert send_mime(sandbox, graph_token(sandbox), mail(ERP)).status_code == 200
    assert sandbox.messages() == []


@pytest.mark.parametrize("kind", ["tls_expired", "tls_wrong_name", "tls_untrusted"])
def test_https_can_show_a_bad_certificate(sandbox, kind):
    sandbox.fault("https.tls", kind)
    with sandbox.browser() as browser, pytest.raises(requests.exceptions.SSLError):
        browser.get(f"{sandbox.https}/common/discovery/v2.0/keys", timeout=5)
    with sandbox.browser() as browser:
        assert browser.get(f"{sandbox.https}/common/discovery/v2.0/keys", timeout=5).ok


def test_a_slow_endpoint_still_does_its_work(sandbox, refresh):
    sandbox.fault("microsoft.token", "slow", seconds=0.1)
    response = refresh()
    assert response.status_code == 200
    assert response.elapsed.total_seconds() >= 0.1


def test_a_place_covers_those_below_it(sandbox):
    sandbox.fault("graph", "error", code="InvalidAuthenticationToken")
    assert send_mime(sandbox, graph_token(sandbox), mail(ERP)).status_code == 401


@pytest.mark.parametrize(
    "fault",
    [
        {"place": "nowhere", "kind": "drop"},
        {"place": "graph.sendmail", "kind": "explode"},
        {"place": "graph.sendmail", "kind": "drop", "colour": "red"},
        {"place": "graph.sendmail"},
    ],
)
def test_a_fault_nobody_understands_is_refused(sandbox, fault):
    with pytest.raises(ValueError, match="error"):
        sandbox.api("faults", fault)
