"""Runs of the queue, and what happens to them on the way.

Every function makes one run: it is called with the :class:`~.scene.Scene` and the number of the
run, from 0 on. Odoo is imported where it is used, so that the rows can be listed without it.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import closing

#: seconds a run may take; the slowest waits for several time-outs of 30 s
_LONGEST = 900
#: seconds for which a database that restarts is not there
_AWAY = 0.5
#: seconds after which a database that crashed must be there again
_LONGEST_RECOVERY = 60


def undisturbed(scene, _number):
    """Let one worker run the queue to its end."""
    _finish(scene, scene.worker())


def two_workers(scene, _number):
    """Let two workers begin with the same queue at the same moment."""
    from odoo_processes import at_once

    for outcome in at_once(scene.send_everything, scene.send_everything, timeout=_LONGEST):
        scene.note(outcome)


def killed(scene, number):
    """Kill the worker somewhere in the hand-over of a mail, once in each of the first runs."""
    worker = scene.worker()
    if number < scene.strikes and _gets_on(scene, worker):
        time.sleep(scene.moment())
        worker.kill()
        return
    _finish(scene, worker)


def refused_connections(scene, number):
    """Stop listening in mid-run; listen again after the next but one run."""
    worker = scene.worker()
    if number == 0 and _gets_on(scene, worker):
        scene.listens(False)
    _finish(scene, worker)
    if number == 2:
        scene.listens(True)


def database_restarts(scene, number):
    """Let PostgreSQL end every connection in mid-run and be away for a moment."""
    worker = scene.worker()
    if number < scene.strikes and _gets_on(scene, worker):
        time.sleep(scene.moment())
        _crash(scene.database) if scene.owns_postgres else _cut_off(scene.database.name)
    _finish(scene, worker)


def _finish(scene, worker):
    scene.note(worker.outcome(_LONGEST))


def _gets_on(scene, worker):
    """Wait until the run has delivered its share; return whether it got that far."""
    share = max(scene.mails // (scene.strikes + 2), 1)
    goal = scene.delivered() + scene.random.randint(1, share)
    while worker.is_alive():
        if scene.has_delivered(goal):
            return True
    return False


def _crash(database):
    """Kill one of the server's processes: it ends all others, recovers and starts anew."""
    [(pid,)] = database.rows("SELECT pg_backend_pid()")
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + _LONGEST_RECOVERY
    while not _is_there(database):
        if time.monotonic() > deadline:
            raise TimeoutError("PostgreSQL does not come back")
        time.sleep(0.05)


def _is_there(database):
    from psycopg2 import Error

    try:
        return bool(database.rows("SELECT 1"))
    except Error:
        return False


def _cut_off(name):
    """Do to one database what a restart of the server does to all: others may use the server."""
    from odoo import sql_db
    from odoo.tools import SQL

    database = SQL.identifier(name)
    with closing(sql_db.db_connect("postgres").cursor()) as cr:
        cr._cnx.autocommit = True
        cr.execute(SQL("ALTER DATABASE %s ALLOW_CONNECTIONS false", database))
        try:
            cr.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
            )
            time.sleep(_AWAY)
        finally:
            cr.execute(SQL("ALTER DATABASE %s ALLOW_CONNECTIONS true", database))
