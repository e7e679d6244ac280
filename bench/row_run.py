"""Run one row of the fault table and judge it."""

from __future__ import annotations

import random
import time
from contextlib import ExitStack

from odoo.addons.mail_server_oauth2.models.token_memory import memory

from browser import BASE_URL

from . import odoo_word
from .fault_result import RowResult
from .judgement import judge
from .scene import Scene

#: runs after which a queue that still moves is given up
_MOST_RUNS = 60

#: What waits for a time is made due, instead of the machine's clock being moved.
_TIME_PASSES = (
    """UPDATE mail_mail SET scheduled_date = now() AT TIME ZONE 'utc' - interval '1 second'
        WHERE state = 'outgoing' AND scheduled_date > now() AT TIME ZONE 'utc'""",
    "UPDATE mail_oauth2_token SET retry_on = NULL",
)
_ATTEMPTS = "SELECT coalesce(sum(oauth2_attempts), 0) FROM mail_mail"


def run_row(row, office, *, seed=0, **options):
    """Run a row and return its :class:`RowResult`.

    :param seed: of whatever happens at random moments
    :param options: ``mails``, ``strikes``, ``patience`` and ``owns_postgres`` of the scene
    """
    began = time.monotonic()
    memory.clear()
    office.sandbox.reset(f"{BASE_URL}/mail_server_oauth2/callback")
    with ExitStack() as resources:
        scene = Scene(
            office=office,
            transport=row.transport,
            random=random.Random(f"{seed}/{row.name}"),
            resources=resources,
            **options,
        )
        scene.prepare()
        row.fault.switch_on(scene)
        runs = _run_until_settled(scene, row.fault.run)
        row.fault.mend(scene)
        runs += _run_until_settled(scene, row.fault.run, first=runs)
        tally = _judged(scene)
        return RowResult(
            fault=row.fault.name,
            transport=row.transport.name,
            mails=scene.mails,
            tally=tally,
            attempts=_attempts(scene),
            runs=runs,
            seconds=round(time.monotonic() - began, 1),
            problems=row.fault.expected(scene).problems(tally),
            run_errors=scene.run_errors,
        )


def _run_until_settled(scene, run, first=0):
    """Run the queue, let time pass, and so on until it is empty or nothing moves any more.

    :param first: number of the first run
    :return: number of runs
    """
    seen = None
    for number in range(_MOST_RUNS):
        now = scene.waiting(), scene.delivered()
        if now[0] == 0 or (now == seen and number > scene.strikes):
            return number
        seen = now
        run(scene, first + number)
        _let_time_pass(scene)
    return _MOST_RUNS


def _let_time_pass(scene):
    with scene.database.environment() as env:
        for statement in _TIME_PASSES:
            env.cr.execute(statement)


def _judged(scene):
    return judge(odoo_word.words(scene.database, scene.plan), scene.copies())


def _attempts(scene):
    return scene.database.rows(_ATTEMPTS)[0][0]
