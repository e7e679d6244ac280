"""Ratios and targets of the throughput table, from made-up measurements."""

import pytest

from bench.comparison import CORE, CORE_TLS, GRAPH, MIB, SMTP, Case, Comparison, Target, targets

NEAR, FAR = Case("near", 10, 2000), Case("far", 10, 2000, 0.05)
GROWTH, HUGE = Case("growth", 100, 2000), Case("huge", 1, 25 * MIB)
CASES = (NEAR, FAR, GROWTH, HUGE)


def result(sender, case, *, seconds=10.0, cpu=1.0, **more):
    values = {"peak": 50 * MIB, "growth": MIB, "round_trips": 40, "token_calls": 1}
    values |= {"sender": sender, "case": case.name, "mails": case.mails}
    return values | {"seconds": seconds, "cpu": cpu} | more


def results(**graph):
    """Everybody is equal, but Graph is as told."""
    return [
        result(sender, case, **(graph if sender == GRAPH else {}))
        for sender in (CORE, CORE_TLS, SMTP, GRAPH)
        for case in CASES
    ]


def missed(found):
    comparison = Comparison(CASES, found)
    reached = targets(comparison, near=NEAR, far=FAR, growth=GROWTH, huge=HUGE)
    return [target.text for target in reached if not target.reached]


def test_median_counts():
    found = [result(CORE, NEAR, seconds=seconds) for seconds in (1, 2, 100)]
    assert Comparison(CASES, found).figures(CORE, "near").rate == 5


def test_numbers_are_per_mail_and_ratios_to_core():
    comparison = Comparison(CASES, results(cpu=1.5, seconds=4))
    assert comparison.figures(GRAPH, "near").cpu_ms == 150
    assert comparison.figures(GRAPH, "near").round_trips == 4
    assert comparison.ratio("cpu_ms", GRAPH, "near") == 1.5
    assert comparison.ratio("rate", GRAPH, "near") == 2.5


def test_targets_that_are_reached():
    assert missed(results(seconds=3, cpu=1.14, growth=19 * MIB, peak=149 * MIB)) == []


@pytest.mark.parametrize(
    "graph, target",
    [
        ({"cpu": 1.16}, "CPU per mail / core's"),
        ({"growth": 21 * MIB}, "MiB that memory grew over 100 mails"),
        ({"peak": 151 * MIB}, "peak memory of one large mail / its size"),
        ({"seconds": 3.5}, "mails/s / core's, far"),
    ],
)
def test_target_that_is_missed(graph, target):
    assert missed(results(**{"seconds": 3, **graph})) == [f"Graph: {target}"]


def test_smtp_must_not_be_slower_than_core():
    found = [row for row in results(seconds=3) if row["sender"] != SMTP]
    found += [result(SMTP, case, seconds=10.5) for case in CASES]
    assert missed(found) == [
        "Microsoft SMTP: mails/s / core's, near",
        "Microsoft SMTP: mails/s / core's, far",
    ]


def test_what_could_not_be_measured_is_missed_and_named():
    found = [row for row in results(seconds=3) if (row["sender"], row["case"]) != (GRAPH, "huge")]
    found.append({"sender": GRAPH, "case": "huge", "mails": 1, "error": "too large"})
    assert missed(found) == ["Graph: peak memory of one large mail / its size"]
    assert Comparison(CASES, found).errors == ["too large"]


def test_table_has_a_line_for_each_sender_and_case():
    headings, lines = Comparison(CASES, results()).cells()
    assert len(lines) == 16
    assert {len(line) for line in lines} == {len(headings)}


def test_target_says_what_was_measured():
    assert str(Target("speed", 2.5, 3, at_most=False)) == "MISS  speed: 2.50 (to reach: ≥ 3)"
    assert str(Target("size", 2.5, 3)) == "pass  size: 2.50 (to reach: ≤ 3)"
    assert str(Target("size", None, 3)) == "MISS  size: not measured (to reach: ≤ 3)"
