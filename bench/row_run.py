"""Run one row of the fault table and judge it."""

from __future__ import annotations

import random
import time

from odoo.addons.mail_server_oauth2.models.token_memory import memory

from browser import BASE_URL

from . import odoo_word
from .fault_result import RowResult
from .judgement import judge
from .passing_time import let_time_pass
from .scene import Scene

#: runs after which a queue that still moves is given up
_MOST_RUNS = 60
#: runs in a row that change nothing, after which the queue waits for a person; a fault may last
#: for three
_IDLE_RUNS = 4


def run_row(row, office, *, seed=0, **options):
    """Run a row and return its :class:`RowResult`.

    :param seed: of whatever happens at random moments
    :param options: ``mails``, ``strikes``, ``patience`` and ``owns_postgres`` of the scene
    """
    began = time.monotonic()
    memory.clear()
    office.sandbox.reset(f"{BASE_URL}/mail_server_oauth2/callback")
    scene = Scene(
        office=office,
        transport=row.transport,
        random=random.Random(f"{seed}/{row.name}"),
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
    seen, idle = None, 0
    for number in range(_MOST_RUNS):
        now = scene.waiting(), scene.delivered()
        idle = idle + 1 if now == seen else 0
        if now[0] == 0 or idle == _IDLE_RUNS:
            return number
        seen = now
        run(scene, first + number)
        let_time_pass(scene.database)
    return _MOST_RUNS


def _judged(scene):
    return judge(odoo_word.words(scene.database, scene.plan), scene.copies())


def _attempts(scene):
    return scene.database.rows("SELECT count(*) FROM mail_oauth2_attempt")[0][0]
