"""Fixtures of the tests of ``providers/``."""

import contextlib

import pytest
from providers_server import AUTHORITY, serving


@pytest.fixture
def trusted(tmp_path, monkeypatch):
    """Make the test's own CA the one CA that this process trusts, as an administrator would."""
    path = tmp_path / "ca.pem"
    AUTHORITY.cert_pem.write_to_path(str(path))
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))


@pytest.fixture
def serve(trusted):
    """Return ``serve(app, **options) -> Server``; every server stops with the test."""
    with contextlib.ExitStack() as stack:
        yield lambda app, **options: stack.enter_context(serving(app, **options))
