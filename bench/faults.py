"""``make faults``: does any fault lose or double a mail?

Every row queues mails, lets one fault strike while they leave, runs the queue until nothing is
left to do, and compares what the sandbox delivered with what Odoo says, recipient by recipient.
The exit code is 0 only if every row ends as it should. ``docs/benchmarks.md`` tells more.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial

from scripts.console import SetupError, say, show
from scripts.orderly_end import run_to_the_end
from scripts.postgres_server import is_private
from scripts.side_by_side import side_by_side
from scripts.toolbox import toolbox

from . import machine
from .fault_result import RowResult, cells, complaints
from .fault_rows import rows
from .lane import lane, results
from .results_page import write_results
from .tables import markdown_table, plain_table

_MAILS = 1000
_STRIKES = 10
_LANES = 2


def main():
    """Run the table and return the exit code."""
    options = _options()
    wanted = [row for row in rows() if options.only.casefold() in row.name.casefold()]
    if not wanted:
        raise SetupError(f"No row is called like {options.only!r}.")
    tools = toolbox()
    count = min(options.lanes, len(wanted))
    parts = [wanted[number::count] for number in range(count)]
    outcomes = side_by_side(
        *(partial(_run_lane, tools, options, number, part) for number, part in enumerate(parts))
    )
    version = outcomes[0][0]
    found = [result for _version, part in outcomes for result in part]
    order = {row.name: position for position, row in enumerate(wanted)}
    found.sort(key=lambda result: order[f"{result.fault}, {result.transport}"])
    return _report(found, options, version)


def _options():
    parser = argparse.ArgumentParser(prog="python3 -m bench.faults", description=__doc__)
    parser.add_argument("--mails", type=int, default=_MAILS, help="mails per row")
    parser.add_argument("--strikes", type=int, default=_STRIKES, help="how often faults strike")
    parser.add_argument("--only", default="", help="rows whose name contains this")
    parser.add_argument("--lanes", type=int, default=_LANES, help="rows that run at once")
    parser.add_argument("--seed", type=int, default=0, help="of random moments")
    parser.add_argument(
        "--patience", type=float, default=0, help="seconds a server hangs; 0: for ever"
    )
    parser.add_argument("--markdown", action="store_true", help="write docs/benchmarks.md")
    return parser.parse_args()


def _run_lane(tools, options, number, part):
    """Run some of the rows; return the version of PostgreSQL and the results."""
    name = f"faults-{number}"
    order = {
        "rows": [row.name for row in part],
        "options": {
            "mails": options.mails,
            "strikes": options.strikes,
            "patience": options.patience,
            "seed": options.seed,
            "owns_postgres": is_private(),
        },
    }
    found = []
    with lane(tools, name) as live:
        for values in results(tools, live, name, "fault_lane", order):
            found.append(RowResult.from_dict(values))
            _tell(found[-1])
        return live.odoo.postgres.version(), found


def _tell(result):
    verdict = "; ".join(result.problems) or "ok"
    say(f"{result.fault}, {result.transport}: {verdict} ({result.seconds:.0f} s)")


def _report(found, options, postgres_version):
    headings, lines = cells(found)
    show(f"\n{plain_table(headings, lines)}\n")
    bad = complaints(found)
    show("\n".join(bad) or "Every row ends as it should.")
    if options.markdown:
        command = f"make faults ARGS='--mails {options.mails} --strikes {options.strikes}'"
        facts = machine.described(command, postgres_version)
        write_results("faults", [*facts, "", markdown_table(headings, lines), "", *bad])
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(run_to_the_end(main))
