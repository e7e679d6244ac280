"""The fixture ``sandbox``: one process for the whole run, fresh state for each test."""

import pytest
from sandbox_process import SandboxProcess


@pytest.fixture(scope="session")
def sandbox_process(tmp_path_factory):
    """Run one sandbox for the session."""
    process = SandboxProcess.start(tmp_path_factory.mktemp("sandbox"))
    yield process
    process.stop()


@pytest.fixture
def sandbox(sandbox_process):
    """Return the running sandbox, reset."""
    sandbox_process.reset()
    return sandbox_process
