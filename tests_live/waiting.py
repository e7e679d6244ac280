"""Wait for something another process does."""

import time

_PATIENCE = 20  # seconds


def wait_until(true, patience=_PATIENCE):
    """Look again and again whether ``true()`` holds.

    :raises TimeoutError: it does not within ``patience`` seconds
    """
    deadline = time.monotonic() + patience
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {patience} s")
        time.sleep(0.02)
