"""Fixtures of the tests of ``providers/``."""

import contextlib

import pytest
from providers_fakes import FakeEntra, FakeGoogle
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


@pytest.fixture
def entra(serve):
    """Return a :class:`FakeEntra` that listens."""
    return _listening(serve, FakeEntra())


@pytest.fixture
def google(serve):
    """Return a :class:`FakeGoogle` that listens."""
    return _listening(serve, FakeGoogle())


@pytest.fixture(params=["entra", "google"])
def authority(request):
    """Return one authority after the other."""
    return request.getfixturevalue(request.param)


def _listening(serve, authority):
    authority.server = serve(authority)
    authority.url = authority.server.url
    return authority
