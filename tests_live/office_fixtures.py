"""Fixtures: Odoo on a database that keeps what is written, and the sandbox beside it."""

import pytest

from odoo.addons.mail_server_oauth2.models.token_memory import memory
from odoo.addons.mail_server_oauth2.tests.common import Sandbox

from browser import BASE_URL
from conftest import DATABASE
from office import Office, register_apps


@pytest.fixture(scope="session")
def demo_database():
    """The database with the app registrations of the sandbox."""
    register_apps(DATABASE, Sandbox.running())
    return DATABASE


@pytest.fixture
def sandbox():
    """The sandbox, as after its start."""
    sandbox = Sandbox.running()
    sandbox.reset(f"{BASE_URL}/mail_server_oauth2/callback")
    return sandbox


@pytest.fixture
def database(demo_database):
    """The database, and nothing remembered by this process."""
    memory.clear()
    return demo_database


@pytest.fixture
def office(database, sandbox):
    """A company that sends mail."""
    return Office(database, sandbox)
