"""One sandbox process for the tests, and what a person and a test do with it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urljoin, urlsplit

import requests

ROOT = Path(__file__).resolve().parent.parent
REDIRECT_URI = "http://localhost:8069/mail_server_oauth2/callback"
START_SECONDS = 20


class SandboxProcess:
    """A running sandbox: where it is, its control interface, and a person who signs in.

    The values of ``sandbox.json`` are attributes: ``web``, ``https``, ``microsoft``,
    ``google``, ``ca_file``, ``ca_bundle``.
    """

    def __init__(self, process: subprocess.Popen, description: dict):
        self._process = process
        self.description = description
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = description["ca_file"]

    def __getattr__(self, name):
        try:
            return self.__dict__["description"][name]
        except KeyError:
            raise AttributeError(name) from None

    @classmethod
    def start(cls, state_dir: Path | None = None) -> SandboxProcess:
        """Start a sandbox and return when all its sockets listen."""
        state_dir = Path(state_dir or tempfile.mkdtemp(prefix="sandbox-"))
        process = subprocess.Popen(
            [sys.executable, "-m", "sandbox", "--state-dir", str(state_dir)],
            cwd=ROOT,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        )
        state_file, deadline = state_dir / "sandbox.json", time.monotonic() + START_SECONDS
        while not state_file.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                raise RuntimeError("the sandbox did not start")
            time.sleep(0.02)
        return cls(process, json.loads(state_file.read_text()))

    def stop(self) -> None:
        """End the process."""
        self.session.close()
        self._process.terminate()
        self._process.wait(10)

    # ------------------------------------------------------------------ control interface

    def api(self, path: str, body: dict | None = None, *, method: str = ""):
        """Call the control interface; POST when there is a body.

        :param path: below ``/api/``
        """
        method = method or ("GET" if body is None else "POST")
        response = self.session.request(method, f"{self.web}/api/{path}", json=body, timeout=15)
        if response.status_code >= 400:
            raise ValueError(response.text)
        return response.json()

    def reset(self) -> None:
        """Bring back the state of a fresh start."""
        self.api("reset", {})

    def fault(self, place: str, kind: str, **more) -> int:
        """Switch a fault on and return its id."""
        return self.api("faults", {"place": place, "kind": kind, **more})["id"]

    def settings(self, **changes) -> None:
        """Change switches."""
        self.api("settings", changes)

    def messages(self, **query) -> list[dict]:
        """Return delivered mail, one row per recipient."""
        text = "&".join(f"{name}={requests.utils.quote(str(v))}" for name, v in query.items())
        return self.api(f"messages?{text}")

    def source(self, row: dict) -> bytes:
        """Return the message as a recipient got it."""
        return self.session.get(self.web + row["source"], timeout=15).content

    def count(self, endpoint: str, method: str = "", status: int | None = None) -> int:
        """Return how many requests an endpoint saw."""
        return sum(
            row["count"]
            for row in self.api("requests")
            if row["endpoint"] == endpoint
            and method in ("", row["method"])
            and status in (None, row["status"])
        )

    # ------------------------------------------------------------------ a person

    def browser(self) -> requests.Session:
        """Return a browser without a session at the providers."""
        browser = requests.Session()
        browser.trust_env = False
        browser.verify = self.ca_file
        return browser

    def sign_in(self, url: str, account: str, *, browser=None, **consent) -> str:
        """Walk through the sign-in pages as ``account`` and agree to everything.

        :param consent: further fields for the consent page, e.g. ``decision="cancel"``
        :return: URL the browser is sent back to
        :raises SignInPage: the sign-in ended on a page
        """
        browser = browser or self.browser()
        page = browser.get(url, allow_redirects=False, timeout=15)
        if _is_form(page, "choose-account"):
            page = _submit(browser, url, page, account=account)
        if _is_form(page, "consent"):
            page = _submit(browser, url, page, **{"decision": "accept", **consent})
        if page.status_code != 302:
            raise SignInPage(page)
        return page.headers["Location"]


class SignInPage(Exception):
    """The sign-in ended on a page of the provider."""

    def __init__(self, response: requests.Response):
        self.response = response
        found = re.search(r'data-testid="error">([^<]*)<', response.text)
        self.error = unescape(found[1]) if found else ""
        super().__init__(self.error or response.text[:200])


def callback_params(url: str) -> dict[str, str]:
    """Return the query of a callback URL."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def _is_form(page: requests.Response, test_id: str) -> bool:
    return f'data-testid="{test_id}"' in page.text


def _submit(browser, url: str, page: requests.Response, **fields) -> requests.Response:
    """Submit the only form of a page as a browser would, ticked boxes included."""
    values: list[tuple[str, str]] = []
    for tag in re.findall(r"<input[^>]*>", page.text):
        name, value = _attribute(tag, "name"), _attribute(tag, "value")
        ticked = 'type="checkbox"' not in tag or " checked" in tag
        if name and name not in fields and ticked:
            values.append((name, value))
    for name, value in fields.items():
        values += [(name, item) for item in (value if isinstance(value, list) else [value])]
    target = urljoin(url, page.url)
    return browser.post(target, data=values, allow_redirects=False, timeout=15)


def _attribute(tag: str, name: str) -> str:
    found = re.search(rf'{name}="([^"]*)"', tag)
    return unescape(found[1]) if found else ""
