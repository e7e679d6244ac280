"""Entry point of ``python3 -m scripts``."""

import argparse
import os
import shlex
import sys

from .lint_command import format_python, lint
from .lock_command import lock
from .orderly_end import run_to_the_end
from .run_command import clean, run
from .terms_command import terms
from .test_command import PARTS, run_tests, run_unit


def main(arguments=None):
    """Run one command and return its exit code."""
    options = _parser().parse_args(arguments)
    return run_to_the_end(lambda: options.call(options))


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
    "terms": terms,
    "clean": clean,
}


if __name__ == "__main__":
    sys.exit(main())
