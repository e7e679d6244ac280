"""Entry point of ``python3 -m scripts``."""

import argparse
import os
import shlex
import signal
import sys

from .console import SetupError, show
from .lint_command import format_python, lint
from .lock_command import lock
from .processes import stop_everything
from .run_command import clean, run
from .test_command import PARTS, run_tests, run_unit

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(arguments=None):
    """Run one command and return its exit code."""
    options = _parser().parse_args(arguments)
    for number in _ENDING:
        signal.signal(number, _end)
    try:
        return options.call(options) or 0
    except SetupError as err:
        show(f"\n{err}")
        return 1
    finally:
        stop_everything()


def _end(number, _frame):
    """Unwind once, so that every child is ended in order; further signals cannot tear that."""
    for each in _ENDING:
        signal.signal(each, signal.SIG_IGN)
    show("\nStopping")
    sys.exit(128 + number)


def _parser():
    parser = argparse.ArgumentParser(prog="python3 -m scripts", description=__doc__)
    commands = parser.add_subparsers(required=True)
    for name, call in _SIMPLE.items():
        commands.add_parser(name).set_defaults(call=lambda _options, call=call: call())
    test = commands.add_parser("test")
    test.add_argument("parts", nargs="*", choices=[*PARTS, []], help="default: all of them")
    test.set_defaults(
        call=lambda options: run_tests(
            options.parts or PARTS, os.environ.get("TAGS", ""), _pytest_arguments()
        )
    )
    return parser


def _pytest_arguments():
    return shlex.split(os.environ.get("ARGS", ""))


def _unit():
    return run_unit(_pytest_arguments())


_SIMPLE = {
    "run": run,
    "unit": _unit,
    "lint": lint,
    "format": format_python,
    "lock": lock,
    "clean": clean,
}


if __name__ == "__main__":
    sys.exit(main())
