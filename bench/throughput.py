"""``make bench``: how fast are the addon's transports, compared with core's plain SMTP?

Every measurement is taken in an Odoo process of its own; senders take turns and the median
counts. ``docs/benchmarks.md`` tells what is measured how. With ``--strict`` the exit code is 0
only if every target is reached.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict

from scripts import odoo_database
from scripts.console import say, show
from scripts.orderly_end import run_to_the_end
from scripts.toolbox import toolbox

from . import machine
from .comparison import MIB, Case, Comparison, targets
from .lane import lane, results
from .results_page import write_results
from .tables import markdown_table, plain_table

_NAME = "throughput"


def main():
    """Measure and return the exit code."""
    options = _options()
    tools = toolbox()
    cases = _cases(options)
    found = []
    with lane(tools, _NAME) as live, live.odoo.postgres.database(f"{_NAME}-core") as core:
        odoo_database.create_with_mail(live.odoo, core)
        order = {
            "repeat": options.repeat,
            "core_database": core,
            "cases": [asdict(case) for case in cases if options.only in case.name],
        }
        for result in results(tools, live, _NAME, "throughput_lane", order):
            found.append(result)
            _tell(result)
        version = live.odoo.postgres.version()
    comparison = Comparison(cases, found)
    near, far, *_large, growth, huge = cases
    reached = targets(comparison, near=near, far=far, growth=growth, huge=huge)
    return _report(comparison, reached, options, version)


def _options():
    parser = argparse.ArgumentParser(prog="python3 -m bench.throughput", description=__doc__)
    parser.add_argument("--repeat", type=int, default=3, help="measurements of each kind")
    parser.add_argument("--mails", type=int, default=500, help="small mails per measurement")
    parser.add_argument("--large", type=int, default=20, help="large mails per measurement")
    parser.add_argument("--growth", type=int, default=1000, help="mails over which memory grows")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--strict", action="store_true", help="fail where a target is missed")
    parser.add_argument("--markdown", action="store_true", help="write docs/benchmarks.md")
    return parser.parse_args()


def _cases(options):
    small, large, delay = 2000, 5_000_000, 0.05
    return [
        Case(f"{options.mails} of 2 kB, 0 ms", options.mails, small),
        Case(f"{options.mails} of 2 kB, 50 ms", options.mails, small, delay),
        Case(f"{options.large} of 5 MB, 0 ms", options.large, large),
        Case(f"{options.large} of 5 MB, 50 ms", options.large, large, delay),
        Case(f"{options.growth} of 2 kB, 0 ms", options.growth, small),
        Case("1 of 25 MB, 0 ms", 1, 25_000_000),
    ]


def _tell(result):
    if "error" in result:
        say(f"{result['case']}, {result['sender']}: {result['error']}")
        return
    mails = result["mails"]
    say(
        f"{result['case']}, {result['sender']}: {mails / result['seconds']:.1f} mails/s,"
        f" {1000 * result['cpu'] / mails:.1f} ms CPU, peak {result['peak'] / MIB:.0f} MiB"
    )


def _report(comparison, reached, options, postgres_version):
    headings, lines = comparison.cells()
    verdicts = [*map(str, reached), *comparison.errors]
    show(f"\n{plain_table(headings, lines)}\n")
    show("\n".join(verdicts))
    if options.markdown:
        facts = machine.described(f"make bench ARGS='--repeat {options.repeat}'", postgres_version)
        table = markdown_table(headings, lines)
        reached_list = [f"- {line}" for line in verdicts]
        write_results("throughput", [*facts, "", table, "", *reached_list])
    missed = not all(target.reached for target in reached)
    return 1 if options.strict and missed else 0


if __name__ == "__main__":
    sys.exit(run_to_the_end(main))
