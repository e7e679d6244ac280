"""``make test`` and its parts. Independent parts run side by side."""

import os

from .cached_folder import locked
from .console import SetupError, say, show, step
from .places import RUN
from .postgres_server import postgres_server
from .python_environment import environment
from .side_by_side import side_by_side
from .test_parts import TestParts, run_plain
from .test_results import PartResult, count_skips_as_failures, summary_line
from .toolbox import toolbox

#: The order in which parts run; the last one takes as long as the others together.
PARTS = ("plain", "odoo", "live", "browser", "core")


def run_unit(arguments=()):
    """Run the plain tests alone: they need neither Odoo nor PostgreSQL."""
    python = environment("odoo")
    with _alone("plain"):
        return _report([run_plain(python, arguments)])


def run_tests(parts, tags="", arguments=()):
    """Run parts of the tests and return the exit code of the command.

    :param parts: names among :data:`PARTS`
    :param tags: Odoo's test tags instead of the usual selection
    :param arguments: further arguments for pytest
    """
    tools = toolbox()
    with postgres_server(f"test-{'-'.join(parts)}") as postgres:
        tests = TestParts(tools, postgres, tags, arguments)
        others = [part for part in parts if part != "core"]
        lanes = (others, [part for part in parts if part == "core"])
        results = side_by_side(*(lambda lane=lane: _run_lane(tests, lane) for lane in lanes))
    return _report([result for lane in results for result in lane])


def _run_lane(tests, parts):
    return [_run_part(tests, part) for part in parts]


def _run_part(tests, part):
    """Run one part; a part that could not be started counts as failed."""
    try:
        with _alone(part), step(f"Tests '{part}'"):
            result = getattr(tests, part)()
    except SetupError as err:
        result = PartResult(f"test-{part}", failed=1, excerpt=str(err))
    say(f"Tests '{part}': {summary_line([result])}")
    return result


def _alone(part):
    """Wait until no other run of this checkout writes the same logs and databases."""
    return locked(RUN / f"test-{part}")


def _report(results):
    """Show failures and skips, then the one line that counts; return the exit code."""
    for result in results:
        if result.failed:
            show(f"\n--- {result.name} (all of it: .run/logs) ---\n{result.excerpt}")
    skipped = [f"skipped: {result.name}: {test}" for result in results for test in result.skipped]
    show("\n".join(["", *skipped]))
    if os.environ.get("CI") == "true":
        count_skips_as_failures(results)
    show(summary_line(results))
    return 1 if any(result.failed for result in results) else 0
