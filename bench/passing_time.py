"""Time that passes in the database: whatever waits becomes due, and nobody has to wait.

The clocks of the machine and of the sandbox stay as they are. Instead, everything that the queue
has written down moves into the past by the same span: when mails are due and since when they
wait, when attempts were made, until when mailboxes and token endpoints are left alone. To the
queue that is the same as waiting.
"""

from __future__ import annotations

#: table -> its columns with a time
_TIMES = {
    "mail_mail": ("scheduled_date", "oauth2_waiting_since"),
    "mail_oauth2_attempt": ("started_at", "ended_at", "next_attempt"),
    "mail_oauth2_pause": ("until",),
    "mail_oauth2_token": ("retry_on",),
}
#: seconds until nothing waits for a time any more
_LONGEST_WAIT = """
    SELECT EXTRACT(EPOCH FROM greatest(
               (SELECT max(scheduled_date) FROM mail_mail WHERE state = 'outgoing'),
               (SELECT max(until) FROM mail_oauth2_pause),
               (SELECT max(retry_on) FROM mail_oauth2_token)
           ) - now() AT TIME ZONE 'UTC')
"""


def let_time_pass(database):
    """Let so much time pass that all mails of the queue are due."""
    [(wait,)] = database.rows(_LONGEST_WAIT)
    if wait is None or wait <= 0:
        return
    with database.environment() as env:
        for table, columns in _TIMES.items():
            changes = ", ".join(f"{name} = {name} - %(span)s * interval '1 s'" for name in columns)
            env.cr.execute(f"UPDATE {table} SET {changes}", {"span": float(wait) + 1})  # noqa: S608
