"""The short version of ``make faults``: every fault, 50 mails each. See docs/benchmarks.md."""

import pytest

from bench.fault_rows import rows
from bench.row_run import run_row

#: The long table has more mails and waits for the client's own time-outs.
SHORT = {"mails": 50, "strikes": 3, "patience": 1, "owns_postgres": False}


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.name)
def test_no_mail_is_lost_or_doubled(row, office, record_property):
    result = run_row(row, office, **SHORT)
    record_property("result", result.as_dict())
    assert result.problems == [], result.tally.cases
