"""The sandbox's control interface, its web page, its start and its end."""

import json
import os
import signal
import stat
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sandbox_clients import (
    ERP,
    GOOGLE_ERP,
    authorize_url,
    google_grant,
    graph_token,
    log_in,
    mail,
    microsoft_grant,
    send_mime,
    smtp,
)
from sandbox_process import SandboxProcess, SignInPage

pytest_plugins = ["sandbox_fixture"]


def deliver(sandbox, *recipients, **headers):
    raw = mail(GOOGLE_ERP, ", ".join(recipients) or "a@x.example", **headers)
    token = google_grant(sandbox, prompt="consent")["access_token"]
    with smtp(sandbox, "google") as session:
        log_in(session, GOOGLE_ERP, token)
        session.sendmail(GOOGLE_ERP, list(recipients) or ["a@x.example"], raw)


def page(sandbox, path="/"):
    return sandbox.session.get(sandbox.web + path)


def press(sandbox, action, **form):
    response = sandbox.session.post(f"{sandbox.web}/act/{action}", data=form, allow_redirects=False)
    assert response.status_code == 303
    return response


# ---------------------------------------------------------------------- process


def test_it_starts_fast_keeps_its_authority_and_cleans_up(tmp_path):
    started = time.monotonic()
    first = SandboxProcess.start(tmp_path)
    assert time.monotonic() - started < 5
    authority = (tmp_path / "ca.pem").read_bytes()
    assert stat.S_IMODE((tmp_path / "ca-key.pem").stat().st_mode) == 0o600
    assert (tmp_path / "ca-bundle.pem").read_bytes().endswith(authority)
    assert json.loads((tmp_path / "sandbox.json").read_text()) == first.description
    os.kill(first.pid, signal.SIGINT)
    first.stop()
    assert not (tmp_path / "sandbox.json").exists()
    again = SandboxProcess.start(tmp_path)
    try:
        assert (tmp_path / "ca.pem").read_bytes() == authority
        assert again.session.get(f"{again.https}/common/discovery/v2.0/keys").ok
    finally:
        again.stop()


# ---------------------------------------------------------------------- control interface


def test_messages_are_one_row_per_recipient_and_can_be_narrowed(sandbox):
    deliver(sandbox, "a@x.example", "b@x.example", Subject="Grüße")
    deliver(sandbox, "c@x.example")
    compact = sandbox.messages(fields="recipient,subject")
    assert compact[0] == {"recipient": "a@x.example", "subject": "Grüße"}
    assert [row["recipient"][0] for row in compact] == ["a", "b", "c"]
    assert [row["id"] for row in sandbox.messages(recipient="b@x.example")] == [2]
    assert [row["id"] for row in sandbox.messages(since=2)] == [3]
    assert sandbox.messages(via="graph") == []
    one = sandbox.api("messages/1")
    assert ["Subject", "Grüße"] in one["headers"]
    with pytest.raises(ValueError, match="unknown field"):
        sandbox.messages(fields="colour")
    with pytest.raises(ValueError, match="no such message"):
        sandbox.api("messages/4")


def test_a_reader_can_wait_for_mail(sandbox):
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(
            lambda: (
                sandbox.browser().get(f"{sandbox.web}/api/messages?min_count=1&timeout=5").json()
            )
        )
        deliver(sandbox)
        assert len(waiting.result(5)) == 1
    assert sandbox.messages(min_count=2, timeout=0.05) == sandbox.messages()


def test_reset_forgets_everything_but_clients_on_request(sandbox):
    deliver(sandbox)
    sandbox.settings(limits=True)
    sandbox.fault("graph", "drop")
    client_id = sandbox.google["client_id"]
    uri = "http://localhost:1/callback"
    sandbox.api("clients", {"client_id": client_id, "add_redirect_uris": [uri]})
    sandbox.api("reset", {"keep_clients": True})
    state = sandbox.api("state")
    assert (state["delivered"], state["grants"], state["faults"]) == (0, [], [])
    assert state["settings"]["limits"] is False
    assert sandbox.api("tokens") == []
    assert sandbox.api("requests") == []
    clients = {c["client_id"]: c["redirect_uris"] for c in sandbox.api("clients")}
    assert uri in clients[client_id]
    sandbox.reset()
    clients = {c["client_id"]: c["redirect_uris"] for c in sandbox.api("clients")}
    assert uri not in clients[client_id]


def test_accounts_can_be_made_in_new_tenants(sandbox):
    zoe = "zoe@fabrikam.example"
    account = sandbox.api("accounts", {"address": zoe, "upn": "zoe1@fabrikam.example"})
    assert account["tenant"] != sandbox.microsoft["tenant"]
    for tenant in ("fabrikam.example", "common"):
        assert "code=" in sandbox.sign_in(authorize_url(sandbox, tenant), zoe)
    with pytest.raises(SignInPage, match="AADSTS50020"):
        sandbox.sign_in(authorize_url(sandbox), zoe)


@pytest.mark.parametrize(
    "path, body",
    [
        ("settings", {"nothing": 1}),
        ("settings", {"limits": "yes"}),
        ("clients", {"secret": "s"}),
        ("clients", {"client_id": "x", "colour": "red"}),
        ("accounts", {"address": "x@y", "provider": "yahoo"}),
        ("accounts", {"name": "x"}),
    ],
)
def test_nonsense_is_refused(sandbox, path, body):
    with pytest.raises(ValueError, match="error"):
        sandbox.api(path, body)


def test_the_log_of_parallel_refreshes_is_exact(sandbox):
    grant = microsoft_grant(sandbox)

    def refresh(_):
        form = {"grant_type": "refresh_token", "refresh_token": grant["refresh_token"]}
        with sandbox.browser() as browser:
            return browser.post(
                f"{sandbox.https}/common/oauth2/v2.0/token",
                data={
                    **form,
                    "client_id": sandbox.microsoft["client_id"],
                    "client_secret": sandbox.microsoft["client_secret"],
                },
            ).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(refresh, range(40))) == {200}
    assert len(sandbox.api("tokens")) == 41


# ---------------------------------------------------------------------- web page


def test_the_page_shows_mail_accounts_tokens_and_requests(sandbox):
    assert "Nothing has been delivered yet." in page(sandbox).text
    deliver(sandbox, "a@x.example", "b@x.example", Subject="<b>Bold</b>")
    html = page(sandbox).text
    assert html.count('data-testid="delivery"') == 2
    assert "&lt;b&gt;Bold&lt;/b&gt;" in html
    for text in (ERP, "shared mailbox, no sign-in", "authorization_code", "Gmail SMTP"):
        assert text in html
    assert "://" not in html


def test_a_mail_can_be_read_and_its_html_runs_nothing(sandbox):
    message = {
        "subject": "Hello",
        "body": {"contentType": "HTML", "content": "<script>alert(1)</script><p>Body</p>"},
        "toRecipients": [{"emailAddress": {"address": "a@x.example"}}],
        "attachments": [{"name": "a.pdf", "contentBytes": "JVBERg=="}],
    }
    headers = {"Authorization": f"Bearer {graph_token(sandbox)}"}
    url = f"{sandbox.https}/v1.0/me/sendMail"
    assert sandbox.session.post(url, json={"message": message}, headers=headers).status_code == 202
    shown = page(sandbox, "/messages/1").text
    assert "a.pdf" in shown
    assert "sandbox title=" in shown
    body = page(sandbox, "/messages/1/html")
    assert "<p>Body</p>" in body.text
    assert "default-src 'none'" in body.headers["Content-Security-Policy"]
    assert page(sandbox, "/messages/2").status_code == 404


def test_faults_are_switched_on_and_off_by_buttons(sandbox):
    press(sandbox, "preset", preset="Graph/Send As denied (403)", times="2")
    assert 'data-testid="fault"' in page(sandbox).text
    denied = send_mime(sandbox, graph_token(sandbox), mail(ERP))
    assert denied.json()["error"]["code"] == "ErrorSendAsDenied"
    press(sandbox, "clear")
    assert 'data-testid="no-faults"' in page(sandbox).text
    form = {"place": "graph", "kind": "reply", "times": "", "status": "503", "code": ""}
    empty = {"error": "", "message": "", "retry_after": "9", "seconds": ""}
    press(sandbox, "fault", **form, **empty)
    fault = sandbox.api("faults")[0]
    assert (fault["status"], fault["times"], fault["retry_after"]) == (503, None, "9")


def test_every_preset_is_a_fault(sandbox):
    html = page(sandbox).text
    labels = [part.partition('"')[0] for part in html.split('<option value="')[1:]]
    presets = [label for label in labels if "/" in label]
    assert len(presets) > 50
    for preset in presets:
        press(sandbox, "preset", preset=preset.replace("&#39;", "'"), times="1")
    assert len(sandbox.api("faults")) == len(presets)


def test_switches_time_grants_and_reset_have_buttons(sandbox):
    microsoft_grant(sandbox)
    settings = sandbox.api("settings")
    form = {name: value for name, value in settings.items() if value is not False}
    press(sandbox, "settings", **{**form, "limits": "1", "smtp_auth_disabled": "tenant"})
    assert sandbox.api("settings") == {**settings, "limits": True, "smtp_auth_disabled": "tenant"}
    press(sandbox, "revoke", account=ERP)
    assert sandbox.api("state")["grants"][0]["dead"] == "50173"
    press(sandbox, "advance", seconds="3600")
    assert sandbox.api("clock")["offset"] == 3600
    press(sandbox, "reset")
    assert sandbox.api("settings") == settings
    bad = sandbox.session.post(f"{sandbox.web}/act/advance", data={"seconds": "soon"})
    assert bad.status_code == 400
