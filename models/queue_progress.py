"""How far a scheduled run of the mail queue has come, told to Odoo's scheduler."""

import time
from datetime import timedelta

from odoo import fields
from odoo.addons.base.models.ir_cron import MIN_TIME_PER_JOB
from odoo.tools import config

#: part of the time that Odoo gives a job before it kills the process
SHARE_OF_TIME = 0.5
#: seconds between two reports
REPORT_EVERY = 1.0
#: seconds after which a run that could do nothing is repeated
PAUSE_WITHOUT_PROGRESS = 60


class QueueProgress:
    """Tells the scheduler what is done and what is left, and when a run has to end.

    The scheduler repeats a job while work is left, and comes back to it at once after it has
    let other jobs run. A job longer than Odoo's time limit is killed in the middle of a mail.

    :param env: of the run; outside a scheduled job there is nobody to tell
    :param count_due: callable giving the number of mails that are due; given ids, only of these
    """

    def __init__(self, env, count_due):
        self._env = env
        self._count_due = count_due
        self._deadline = _deadline(env)
        self._done = set()
        self._reported = 0
        self._next_report = time.monotonic() + REPORT_EVERY

    @property
    def is_time_over(self):
        """Whether the run has to end, so that the job is not killed."""
        return time.monotonic() > self._deadline

    def begin(self):
        """Tell how much there is to do."""
        self._report(self._count_due())

    def add(self, mail_ids):
        """Count mails that were dealt with; core may name them more than once."""
        self._done.update(mail_ids)
        if time.monotonic() > self._next_report:
            self._report()

    def end(self):
        """Tell what is left; ask for another run where this one could do nothing about it.

        What was dealt with and is due all the same is in the hands of somebody else, maybe for
        long: to come back at once would keep a processor busy with nothing.
        """
        left = self._count_due()
        futile = not self._done or (left and left == self._count_due(list(self._done)))
        if left and futile and not self.is_time_over:
            cron = self._env.ref("mail.ir_cron_mail_scheduler_action").sudo()
            cron._trigger(fields.Datetime.now() + timedelta(seconds=PAUSE_WITHOUT_PROGRESS))
            left = 0
        self._report(left)

    def _report(self, remaining=None):
        new = len(self._done) - self._reported
        self._env["ir.cron"]._commit_progress(new, remaining=remaining)
        self._reported = len(self._done)
        self._next_report = time.monotonic() + REPORT_EVERY


def _deadline(env):
    """Return when a job has to end, in seconds of the monotonic clock."""
    limit = config["limit_time_real_cron"]
    if limit is None or limit < 0:
        limit = config["limit_time_real"]
    ends = env.context.get("cron_end_time")
    if not ends or not limit:
        return float("inf")
    return ends - MIN_TIME_PER_JOB + SHARE_OF_TIME * limit
