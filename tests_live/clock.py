"""A process that believes it is later, or earlier, than it is."""

import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

from freezegun import freeze_time

from odoo.addons.mail_server_oauth2.providers.base import Provider


@contextmanager
def clock_moved(seconds):
    """Move the clock of this process; it goes on from there.

    :param seconds: forward, or back if negative
    """
    with (
        freeze_time(datetime.now(UTC) + timedelta(seconds=seconds), tick=True),
        # A default argument keeps the function that was there when the class was made.
        patch.dict(Provider.__init__.__kwdefaults__, now=time.time),
    ):
        yield
