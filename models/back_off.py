"""When to try again what could not be handed over."""

import random
from datetime import timedelta

#: minutes to the next attempt after the 1st, 2nd, … one; the last value repeats
BACK_OFF = (1, 5, 10, 20, 40, 60, 120)
#: parts of a delay that are random, so that a thousand mails do not come back at once
JITTER = 0.2


def next_attempt(now, attempts, retry_after=None, *, jitter=random.random):
    """Return when to try again.

    :param datetime now: naive UTC
    :param int attempts: how many have failed so far, at least 1
    :param retry_after: seconds the provider asked for; its word goes before our table
    :param jitter: callable giving a float in [0, 1)
    """
    if retry_after is not None:
        delay = max(float(retry_after), 1.0)
    else:
        delay = 60.0 * BACK_OFF[min(attempts, len(BACK_OFF)) - 1]
    return now + timedelta(seconds=delay * (1 + JITTER * jitter()))
