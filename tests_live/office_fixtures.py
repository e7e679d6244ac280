"""Fixtures: Odoo on a database that keeps what is written, and the sandbox beside it."""

import pytest
from office import Office

from odoo.addons.mail_server_oauth2.models.token_memory import memory
from odoo.addons.mail_server_oauth2.tests.common import Sandbox

from conftest import DATABASE
from scripts.demo_company import set_up

#: address people open Odoo at in these tests; nobody listens there
BASE_URL = "http://localhost:8069"


@pytest.fixture(scope="session")
def demo_database():
    """The database with the app registrations of the sandbox."""
    with DATABASE.environment() as env:
        set_up(env, Sandbox.running().described, BASE_URL)
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
