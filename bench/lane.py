"""A lane: PostgreSQL, sandbox and database of its own, and a process in which Odoo is a library."""

from __future__ import annotations

import contextlib
import json
import os
import time

from scripts.console import SetupError
from scripts.live_odoo import live_odoo
from scripts.places import ROOT, RUN, logs_dir
from scripts.postgres_server import postgres_server
from scripts.processes import Service

_POLL = 0.5  # seconds


@contextlib.contextmanager
def lane(tools, name):
    """Keep everything a lane needs while the block lasts.

    :rtype: scripts.live_odoo.LiveOdoo
    """
    with postgres_server(name) as postgres, live_odoo(tools, postgres, name) as live:
        yield live


def results(tools, live, name, module, order):
    """Run a module of ``bench/`` in Odoo's environment; yield its results as they come.

    :param order: what the module is to do; it finds the JSON in the file its first argument names
    :raise SetupError: it ended badly
    """
    folder = RUN / name
    order_file, result_file = folder / "order.json", folder / "results.jsonl"
    order_file.write_text(json.dumps(order))
    result_file.write_text("")
    command = [tools.python.python, "-m", f"bench.{module}", order_file, result_file]
    with Service(name, command, logs_dir() / f"{name}.log", cwd=ROOT, env=_variables(live)) as odoo:
        with result_file.open() as lines:
            running = True
            while running:
                running = odoo.exit_code() is None
                yield from map(json.loads, iter(lines.readline, ""))
                time.sleep(_POLL if running else 0)
        if odoo.exit_code():
            raise SetupError(f"{name} ended with code {odoo.exit_code()}:\n{odoo.tail(40)}")


def _variables(live):
    variables = live.variables()
    library = str(ROOT / "tests_live")
    return variables | {"PYTHONPATH": os.pathsep.join([variables["PYTHONPATH"], library])}
