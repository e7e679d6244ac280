"""What a part of the tests has to say: counts, names of skipped tests, excerpts of failures."""

import re
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field

_ODOO_SUMMARY = re.compile(r"odoo\.tests\.\S+: .*?(\d+) failed, (\d+) error\(s\) of (\d+) tests")
_ODOO_SKIPPED = re.compile(r" INFO \S+ odoo\.\S+: skipped (.+)$")
_ODOO_FAILED_TEST = re.compile(r": (FAIL|ERROR): ")
_ODOO_LINE = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+ \d+ (?P<level>[A-Z]+) ")
_PYTEST_DETAILS = re.compile(r"^=+ (ERRORS|FAILURES) =+$", re.MULTILINE)
#: Odoo complains about a file that Debian had to leave out of its package.
_KNOWN_NOISE = "selfie_segmentation"
_EXCERPT_LINES = 120
_LINE_LENGTH = 400


@dataclass
class PartResult:
    """The outcome of one part of the tests.

    :param failed: failures and errors; a part that did not run to its end has at least one
    :param skipped: name and reason of each skipped test
    :param excerpt: what a person needs to see of the failures
    """

    name: str
    passed: int = 0
    failed: int = 0
    skipped: list = field(default_factory=list)
    excerpt: str = ""


def read_pytest(name, exit_code, junit, log):
    """Read the result of a pytest run from its JUnit file.

    :param exit_code: pytest's; 0 and 1 are the only ones of a whole run
    """
    if not junit.exists():
        return _broken(name, exit_code, _last_lines(log))
    cases = list(ElementTree.parse(junit).getroot().iter("testcase"))
    bad = [case for case in cases if _has(case, "failure", "error")]
    skipped = [case for case in cases if _has(case, "skipped")]
    result = PartResult(
        name,
        passed=len(cases) - len(bad) - len(skipped),
        failed=len(bad),
        skipped=[_pytest_name(case) for case in skipped],
    )
    return _completed(result, exit_code, _pytest_problems(log))


def read_odoo(name, exit_code, log, at_least=1):
    """Read the result of Odoo's test runner from its log.

    :param at_least: number of tests below which the selection must have gone wrong
    """
    text = log.read_text(errors="replace")
    summaries = _ODOO_SUMMARY.findall(text)
    if not summaries:
        return _broken(name, exit_code, _odoo_problems(text) or _last_lines(log))
    failures, errors, total = map(int, summaries[-1])
    skipped = [match.group(1) for match in map(_ODOO_SKIPPED.search, text.splitlines()) if match]
    failed = failures + errors
    result = PartResult(name, max(0, total - failed - len(skipped)), failed, skipped)
    if total < at_least and not failed:
        result.failed += 1
        result.excerpt = f"only {total} tests ran; at least {at_least} were expected"
        return result
    return _completed(result, exit_code, _odoo_problems(text) or _last_lines(log))


def merged(name, *results):
    """Return the results of the steps of one part as one result."""
    return PartResult(
        name,
        passed=sum(result.passed for result in results),
        failed=sum(result.failed for result in results),
        skipped=[test for result in results for test in result.skipped],
        excerpt="\n".join(result.excerpt for result in results if result.excerpt),
    )


def summary_line(results):
    """Return the one line that sums everything up."""
    passed = sum(result.passed for result in results)
    failed = sum(result.failed for result in results)
    skipped = sum(len(result.skipped) for result in results)
    return f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else "")


def count_skips_as_failures(results):
    """Turn every skipped test into a failed one, as continuous integration wants it."""
    for result in results:
        result.failed += len(result.skipped)
        result.skipped = []


def _completed(result, exit_code, excerpt):
    """A run that ended badly without naming a failed test still is a failure."""
    if exit_code and not result.failed:
        return _broken(result.name, exit_code, excerpt)
    if result.failed:
        result.excerpt = excerpt
    elif not result.passed:
        result.failed, result.excerpt = 1, "no test ran"
    return result


def _broken(name, exit_code, excerpt):
    text = f"ended with code {exit_code} and no result\n{excerpt}"
    return PartResult(name, failed=1, excerpt=text)


def _has(case, *tags):
    return any(case.find(tag) is not None for tag in tags)


def _pytest_name(case):
    reason = case.find("skipped").get("message", "")
    return f"{case.get('classname')}.{case.get('name')}: {reason}"


def _pytest_problems(log):
    """Return what follows the list of tests in pytest's output."""
    text = log.read_text(errors="replace")
    start = _PYTEST_DETAILS.search(text)
    return _shortened(text[start.start() if start else 0 :].splitlines()[:_EXCERPT_LINES])


def _last_lines(log):
    return _shortened(log.read_text(errors="replace").splitlines()[-_EXCERPT_LINES:])


def _odoo_problems(text):
    """Return the log entries that tell of failed tests; without any, all errors.

    Tests provoke errors, which are logged too and would hide what matters.
    """
    errors = [
        entry
        for entry in _odoo_entries(text)
        if _ODOO_LINE.match(entry[0])["level"] in ("ERROR", "CRITICAL")
        and _KNOWN_NOISE not in entry[0]
    ]
    telling = [entry for entry in errors if _ODOO_FAILED_TEST.search(entry[0])] or errors
    return _shortened([line for entry in telling for line in entry][:_EXCERPT_LINES])


def _odoo_entries(text):
    """Split a log into entries: a line with time and level, and those that belong to it."""
    entries = []
    for line in text.splitlines():
        if _ODOO_LINE.match(line):
            entries.append([line])
        elif entries:
            entries[-1].append(line)
    return entries


def _shortened(lines):
    cut = (line if len(line) <= _LINE_LENGTH else f"{line[:_LINE_LENGTH]} ..." for line in lines)
    return "\n".join(cut)
