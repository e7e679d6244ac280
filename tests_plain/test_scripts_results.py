"""How the results of the parts of the tests are read, and what is counted as failed."""

import pytest

from scripts.test_results import (
    PartResult,
    count_skips_as_failures,
    merged,
    read_odoo,
    read_pytest,
    summary_line,
)

_STAMP = "2026-05-04 10:00:00,123 4711"
_SUMMARY = f"{_STAMP} INFO db odoo.tests.result: {{}} when loading database 'db' \n"


@pytest.fixture
def odoo_log(tmp_path):
    """Write a log of Odoo and return its path."""

    def write(*lines):
        path = tmp_path / "odoo.log"
        path.write_text("\n".join(lines) + "\n")
        return path

    return write


@pytest.fixture
def junit(tmp_path):
    """Write a JUnit file with one test case per argument and return it and a log."""

    def write(*cases, log="some output"):
        rows = (f'<testcase classname="m" name="t{n}">{c}</testcase>' for n, c in enumerate(cases))
        suite = f"<testsuites><testsuite>{''.join(rows)}</testsuite></testsuites>"
        (tmp_path / "junit.xml").write_text(suite)
        (tmp_path / "pytest.log").write_text(log)
        return tmp_path / "junit.xml", tmp_path / "pytest.log"

    return write


class TestOdoo:
    def test_all_passed(self, odoo_log):
        log = odoo_log(_SUMMARY.format("0 failed, 0 error(s) of 12 tests"))
        assert read_odoo("part", 0, log) == PartResult("part", passed=12)

    def test_failures_and_errors_are_added(self, odoo_log):
        log = odoo_log(_SUMMARY.format("2 failed, 1 error(s) of 12 tests"))
        result = read_odoo("part", 1, log)
        assert (result.passed, result.failed) == (9, 3)

    def test_summary_of_the_shell_is_read_too(self, odoo_log):
        line = f"{_STAMP} ERROR db odoo.tests.shell: Tests failed: 1 failed, 0 error(s) of 3 tests"
        assert read_odoo("part", 0, odoo_log(line)).failed == 1

    def test_skipped_tests_are_named_and_did_not_pass(self, odoo_log):
        skipped = f"{_STAMP} INFO db odoo.addons.x.tests.test_x: skipped TestX.test_y : no browser"
        log = odoo_log(skipped, _SUMMARY.format("0 failed, 0 error(s) of 2 tests"))
        result = read_odoo("part", 0, log)
        assert (result.passed, result.failed) == (1, 0)
        assert result.skipped == ["TestX.test_y : no browser"]

    def test_no_test_at_all_is_a_failure(self, odoo_log):
        log = odoo_log(_SUMMARY.format("0 failed, 0 error(s) of 0 tests"))
        assert read_odoo("part", 0, log).failed == 1

    def test_fewer_tests_than_expected_are_a_failure(self, odoo_log):
        log = odoo_log(_SUMMARY.format("0 failed, 0 error(s) of 3 tests"))
        result = read_odoo("part", 0, log, at_least=450)
        assert result.failed == 1
        assert "only 3 tests ran" in result.excerpt

    def test_log_without_summary_is_a_failure(self, odoo_log):
        assert read_odoo("part", 1, odoo_log("Traceback: no such database")).failed == 1

    def test_bad_exit_code_is_a_failure_even_if_all_tests_passed(self, odoo_log):
        log = odoo_log(_SUMMARY.format("0 failed, 0 error(s) of 12 tests"))
        assert read_odoo("part", 255, log).failed == 1

    def test_excerpt_shows_the_failed_test_and_not_the_errors_that_tests_provoke(self, odoo_log):
        log = odoo_log(
            f"{_STAMP} ERROR db odoo.addons.mail.models: failed sending mail",
            f"{_STAMP} ERROR db odoo.addons.x.tests.test_x: FAIL: TestX.test_y",
            "AssertionError: 1 != 2",
            f"{_STAMP} INFO db odoo.addons.x: something calm",
            _SUMMARY.format("1 failed, 0 error(s) of 2 tests"),
        )
        excerpt = read_odoo("part", 1, log).excerpt
        assert "TestX.test_y" in excerpt
        assert "AssertionError: 1 != 2" in excerpt
        assert "sending mail" not in excerpt
        assert "calm" not in excerpt


class TestPytest:
    def test_outcomes_are_counted(self, junit):
        result = read_pytest(
            "p", 1, *junit("", "<failure/>", "<error/>", '<skipped message="why"/>')
        )
        assert (result.passed, result.failed, result.skipped) == (1, 2, ["m.t3: why"])

    def test_run_that_broke_off_is_a_failure(self, junit):
        assert read_pytest("p", 2, *junit("")).failed == 1

    def test_run_without_a_result_is_a_failure(self, tmp_path):
        (tmp_path / "pytest.log").write_text("killed")
        result = read_pytest("p", 124, tmp_path / "missing.xml", tmp_path / "pytest.log")
        assert result.failed == 1
        assert "killed" in result.excerpt

    def test_no_test_at_all_is_a_failure(self, junit):
        assert read_pytest("p", 0, *junit()).failed == 1

    def test_only_skipped_tests_are_a_failure(self, junit):
        assert read_pytest("p", 0, *junit('<skipped message="why"/>')).failed == 1

    def test_excerpt_begins_where_the_failures_do(self, junit):
        paths = junit("<failure/>", log="dots ....\n==== FAILURES ====\nassert 1 == 2")
        assert read_pytest("p", 1, *paths).excerpt.startswith("==== FAILURES")


class TestSummary:
    def test_one_line_sums_all_parts_up(self):
        results = [PartResult("a", passed=2, failed=1), PartResult("b", passed=3)]
        assert summary_line(results) == "5 passed, 1 failed"

    def test_skipped_tests_follow(self):
        assert summary_line([PartResult("a", 2, 0, ["x"])]) == "2 passed, 0 failed, 1 skipped"

    def test_skipped_tests_can_count_as_failed(self):
        results = [PartResult("a", passed=2, skipped=["x", "y"])]
        count_skips_as_failures(results)
        assert summary_line(results) == "2 passed, 2 failed"

    def test_steps_of_a_part_are_added(self):
        steps = PartResult("a", 1, 0, ["x"]), PartResult("b", 2, 1, [], "why")
        assert merged("both", *steps) == PartResult("both", 3, 1, ["x"], "why")
