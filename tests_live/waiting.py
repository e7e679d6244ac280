"""Wait for something another process does."""

import time

_PATIENCE = 20  # seconds


def wait_until(true):
    """Look again and again whether ``true()`` holds.

    :raises TimeoutError: it does not within :data:`_PATIENCE` seconds
    """
    deadline = time.monotonic() + _PATIENCE
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {_PATIENCE} s")
        time.sleep(0.02)
