"""Each fault that docs/sandbox.md lists for a run strikes as it says there."""

import json
import re
import smtplib
from pathlib import Path

import pytest
import requests
from sandbox_clients import (
    ERP,
    GOOGLE_ERP,
    google_grant,
    google_token,
    graph_token,
    log_in,
    mail,
    microsoft_grant,
    microsoft_token,
    send_mime,
    smtp,
)

pytest_plugins = ["sandbox_fixture"]

PAGE = Path(__file__).resolve().parent.parent / "docs" / "sandbox.md"
LINE = re.compile(r"(?P<name>.+?) +(?P<delivered>yes|no) +(?P<fault>\{.*\})")


def listed():
    """Yield name, whether the mail is delivered, and the fault of each line of the page."""
    (block,) = re.findall(r"```faults\n(.*?)```", PAGE.read_text(), re.DOTALL)
    for line in block.splitlines():
        found = LINE.fullmatch(line)
        fault, delivered = json.loads(found["fault"]), found["delivered"] == "yes"
        yield pytest.param(fault, delivered, id=found["name"])
        if fault["place"].startswith("microsoft_smtp"):
            twin = {**fault, "place": fault["place"].replace("microsoft", "google")}
            yield pytest.param(twin, delivered, id=f"{found['name']} (Gmail)")


@pytest.fixture
def attempt(sandbox):
    """Return ``attempt(place) -> whether a good answer came``; the sign-ins are done."""
    grants = {"microsoft": microsoft_grant(sandbox), "google": google_grant(sandbox)}
    clients = {"microsoft": microsoft_token, "google": google_token}
    graph = graph_token(sandbox)

    def refresh(provider):
        form = {"grant_type": "refresh_token", "refresh_token": grants[provider]["refresh_token"]}
        return clients[provider](sandbox, **form).ok

    def send_by_smtp(provider):
        sender = ERP if provider == "microsoft" else GOOGLE_ERP
        with smtp(sandbox, provider) as session:
            session.sock.settimeout(0.5)
            log_in(session, sender, grants[provider]["access_token"])
            return session.sendmail(sender, ["a@x.example"], mail(sender)) == {}

    def run(place):
        service = place.partition(".")[0]
        if place.endswith(".token"):
            return refresh(service)
        if service == "graph":
            return send_mime(sandbox, graph, mail(ERP)).status_code == 202
        return send_by_smtp(service.partition("_")[0])

    def attempted(place):
        try:
            return run(place)
        except (OSError, smtplib.SMTPException, requests.RequestException):
            return False

    return attempted


@pytest.mark.parametrize(("fault", "delivered"), list(listed()))
def test_the_fault_strikes_once_and_is_over(sandbox, attempt, monkeypatch, fault, delivered):
    place = fault["place"]
    mails = 0 if place.endswith(".token") else 1
    sandbox.api("faults", fault)
    if fault["kind"] == "hang" and "smtp" not in place:
        monkeypatch.setattr(sandbox.session, "request", impatient(sandbox.session))
    assert not attempt(place)
    assert sandbox.api("faults") == []
    assert len(sandbox.messages()) == int(delivered)
    assert attempt(place)
    assert len(sandbox.messages()) == int(delivered) + mails


def impatient(session):
    """Return the session's ``request`` that gives up soon; not at the control interface."""
    patient = session.request

    def request(method, url, **more):
        if not url.startswith("http://"):
            more["timeout"] = 0.5
        return patient(method, url, **more)

    return request


@pytest.mark.parametrize("processed", [False, True])
@pytest.mark.parametrize("after_body", [False, True])
def test_a_large_request_is_read_or_not_before_the_drop(sandbox, processed, after_body):
    token = graph_token(sandbox)
    sandbox.api(
        "faults",
        {
            "place": "graph.sendmail",
            "kind": "drop",
            "processed": processed,
            "after_body": after_body,
        },
    )
    body = CountingBody(b"x" * 16_000_000)  # more than the system buffers
    with pytest.raises(requests.ConnectionError):
        sandbox.session.post(
            f"{sandbox.https}/v1.0/me/sendMail",
            data=body,
            headers={"Authorization": f"Bearer {token}", "Content-Type": "text/plain"},
        )
    assert body.whole is (processed or after_body)
    assert sandbox.count("graph.sendmail", status=0) == 1


class CountingBody:
    """A request body that knows whether all of it was asked for."""

    def __init__(self, content):
        self._content, self._position = content, 0
        self.whole = False

    def __len__(self):
        return len(self._content)

    def read(self, size=-1):
        block = self._content[self._position : self._position + size]
        self._position += len(block)
        self.whole = not block
        return block


class TestListeners:
    @pytest.mark.parametrize("name", ["https", "microsoft_smtp", "google_smtp"])
    def test_a_port_off_the_network_refuses_connections_until_it_is_back(
        self, sandbox, attempt, name
    ):
        place = {"https": "graph.sendmail"}.get(name, f"{name}.mail")
        assert attempt(place)
        assert sandbox.api("listeners", {name: False})[name] is False
        assert not attempt(place)
        with pytest.raises(ConnectionRefusedError):
            connect(sandbox, name)
        assert sandbox.api("listeners", {name: True})[name] is True
        assert attempt(place)
        assert len(sandbox.messages()) == 2

    def test_its_connections_are_cut(self, sandbox):
        with smtp(sandbox) as session, smtp(sandbox, "google") as other:
            sandbox.api("listeners", {"microsoft_smtp": False})
            with pytest.raises((OSError, smtplib.SMTPServerDisconnected)):
                session.noop()
            assert other.noop()[0] == 250

    def test_a_reset_brings_all_back(self, sandbox):
        sandbox.api("listeners", dict.fromkeys(sandbox.api("listeners"), False))
        sandbox.reset()
        assert set(sandbox.api("listeners").values()) == {True}
        connect(sandbox, "google_smtps").close()

    def test_an_unknown_one_is_refused(self, sandbox):
        with pytest.raises(ValueError, match="unknown listener"):
            sandbox.api("listeners", {"web": False})


def connect(sandbox, name):
    import socket

    provider, _, port = name.partition("_")
    if name == "https":
        number = int(sandbox.https.rpartition(":")[2])
    else:
        number = getattr(sandbox, provider)[f"{port}_port"]
    return socket.create_connection(("127.0.0.1", number), timeout=2)
