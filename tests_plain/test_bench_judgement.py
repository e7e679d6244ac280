"""The fault table can fail: made-up deliveries and words, judged."""

import pytest

from bench.fault_result import RowResult, cells, complaints
from bench.judgement import FAILED, NOTHING, SENT, UNKNOWN, WAITING, Expected, judge

NUMBERS = ("delivered", "lost", "doubled", "failed", "unknown", "wrong", "waiting")


def numbers(tally):
    return {name: getattr(tally, name) for name in NUMBERS if getattr(tally, name)}


@pytest.mark.parametrize(
    "word, copies, expected",
    [
        (SENT, 1, {"delivered": 1}),
        (SENT, 0, {"lost": 1}),
        (SENT, 2, {"delivered": 1, "doubled": 1}),
        (FAILED, 0, {"failed": 1}),
        (FAILED, 1, {"delivered": 1, "wrong": 1}),
        (FAILED, 3, {"delivered": 1, "doubled": 1, "wrong": 1}),
        (UNKNOWN, 0, {"unknown": 1}),
        (UNKNOWN, 1, {"delivered": 1, "unknown": 1}),
        (UNKNOWN, 2, {"delivered": 1, "doubled": 1, "unknown": 1}),
        (WAITING, 0, {"waiting": 1}),
        (WAITING, 1, {"delivered": 1, "wrong": 1}),
        (NOTHING, 0, {"lost": 1}),
        (NOTHING, 1, {"delivered": 1, "wrong": 1}),
    ],
)
def test_one_recipient_is_judged(word, copies, expected):
    assert numbers(judge({"a@example.com": word}, {"a@example.com": copies})) == expected


def test_copy_for_somebody_who_was_not_addressed_is_wrong():
    tally = judge({"a@example.com": SENT}, {"a@example.com": 1, "b@example.com": 1})
    assert numbers(tally) == {"delivered": 2, "wrong": 1}
    assert tally.cases == ["b@example.com: not addressed, 1 copies"]


def test_recipients_are_counted_one_by_one():
    words = {"lost@x": SENT, "doubled@x": SENT, "fine@x": SENT, "late@x": WAITING}
    tally = judge(words, {"doubled@x": 2, "fine@x": 1})
    assert numbers(tally) == {"delivered": 2, "lost": 1, "doubled": 1, "waiting": 1}
    assert tally.cases == ["doubled@x: sent, 2 copies", "lost@x: sent, 0 copies"]


@pytest.mark.parametrize(
    "word, copies, problem",
    [
        (SENT, 0, "1 lost, expected 0"),
        (SENT, 2, "1 doubled, expected 0"),
        (FAILED, 1, "1 wrong, expected 0"),
        (FAILED, 0, "1 failed, expected 0"),
        (UNKNOWN, 0, "1 unknown, expected 0"),
        (WAITING, 0, "1 waiting, expected 0"),
    ],
)
def test_row_in_which_all_should_arrive_fails(word, copies, problem):
    tally = judge({"a@x": word, "b@x": SENT}, {"a@x": copies, "b@x": 1})
    assert Expected().problems(tally) == [problem]


def test_row_fails_on_too_few_refusals_and_on_too_many():
    expected = Expected(failed=(2, 3))
    refused = {f"{name}@x": FAILED for name in "abcd"}
    counts = range(1, 5)
    found = [expected.problems(judge(dict(list(refused.items())[:count]), {})) for count in counts]
    assert found == [["1 failed, expected 2 to 3"], [], [], ["4 failed, expected 2 to 3"]]


def test_losses_and_doubles_are_never_expected():
    tally = judge({"a@x": SENT, "b@x": SENT}, {"b@x": 2})
    assert Expected(failed=(0, 9), unknown=(0, 9)).problems(tally) == [
        "1 lost, expected 0",
        "1 doubled, expected 0",
    ]


def result(words, copies):
    tally = judge(words, copies)
    problems = Expected().problems(tally)
    return RowResult("some fault", "Graph", 1, tally, 7, 3, 1.4, problems)


def test_row_that_fails_says_so_and_names_cases():
    good, bad = result({"a@x": SENT}, {"a@x": 1}), result({"a@x": SENT}, {"a@x": 2})
    headings, lines = cells([good, bad])
    assert [line[-1] for line in lines] == ["ok", "FAILS"]
    assert dict(zip(headings, lines[1], strict=True))["doubled"] == "1"
    (complaint,) = complaints([good, bad])
    assert complaint.startswith("some fault, Graph: 1 doubled, expected 0")
    assert "a@x: sent, 2 copies" in complaint


def test_result_survives_the_way_between_processes():
    bad = result({"a@x": SENT}, {"a@x": 2})
    assert RowResult.from_dict(bad.as_dict()) == bad
