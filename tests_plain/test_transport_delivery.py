"""How a mail in parts ends, whatever becomes of each part."""

import pytest
from mail_server_oauth2 import exceptions as exc
from mail_server_oauth2.transport.delivery import Delivery, SubmissionResult, most_urgent

ANN, BOB, CAT = "ann@x.example", "bob@x.example", "cat@x.example"
OK = SubmissionResult("250 2.0.0 OK", "r-1")


def alone(text="450 4.2.1 too quickly"):
    return exc.TransientError("recipient_rate_limited", provider_text=text, stops_mailbox=False)


def ended(delivery, *errors):
    """Let the parts end one after the other and return the result; ``None`` is accepted."""
    for error in errors:
        assert delivery.part
        delivery.failed(error) if error else delivery.served(OK)
    assert delivery.part == ()
    return delivery.result()


@pytest.mark.parametrize(
    ("size", "parts"),
    [(0, [3]), (-1, [3]), (1, [1, 1, 1]), (2, [2, 1]), (3, [3]), (500, [3])],
)
def test_parts_are_no_larger_than_told_and_hold_everybody_once(size, parts):
    delivery, found = Delivery([ANN, BOB, CAT], size), []
    while delivery.part:
        found.append(delivery.part)
        delivery.served(OK)
    assert [len(part) for part in found] == parts
    assert sum(found, ()) == delivery.recipients == (ANN, BOB, CAT)


def test_first_answer_stands_for_the_mail():
    delivery = Delivery([ANN, BOB], 1, {"x": "address_invalid"})
    delivery.served(OK)
    delivery.served(SubmissionResult("250 other", refused={BOB: "550 no"}))
    assert delivery.result() == SubmissionResult(
        "250 2.0.0 OK", "r-1", {"x": "address_invalid", BOB: "550 no"}
    )


def test_those_a_server_postpones_come_next():
    delivery = Delivery([ANN, BOB, CAT], 2)
    delivery.served(OK, [BOB])
    assert delivery.part == (BOB,)
    delivery.served(OK)
    assert delivery.part == (CAT,)


@pytest.mark.parametrize(
    ("error", "reply"),
    [
        (exc.ThrottledError("x", provider_text="432 4.3.2 busy"), "432 4.3.2 busy"),
        # not the recipients' fault, whatever the code of the reply is
        (
            exc.ThrottledError("gmail_daily_limit", provider_text="550 5.4.5 limit"),
            "450 gmail_daily_limit: 550 5.4.5 limit",
        ),
        (
            exc.SignInNeededError("smtp_auth_refused", provider_text="535 5.7.8 no"),
            "450 smtp_auth_refused: 535 5.7.8 no",
        ),
        (exc.UnreachableError("dns_failed"), "450 dns_failed"),
        (exc.RefusedError("smtp_refused", provider_text="554 no"), "554 no"),
        # the status of an HTTP answer is no reply code
        (
            exc.RefusedError("send_as_denied", provider_text="403 ErrorSendAsDenied"),
            "550 send_as_denied: 403 ErrorSendAsDenied",
        ),
        (exc.RefusedError("message_too_large"), "550 message_too_large"),
    ],
)
def test_trouble_of_the_mailbox_or_the_mail_ends_the_other_parts(error, reply):
    result = ended(Delivery([ANN, BOB, CAT], 1), None, error)
    assert result.refused == {BOB: reply, CAT: reply}
    assert result.trouble is error


def test_trouble_of_one_recipient_ends_nothing():
    refused = exc.RefusedError("recipient_unknown", refused={ANN: "550 5.1.1 unknown"})
    result = ended(Delivery([ANN, BOB, CAT], 1), refused, alone(), None)
    assert result.refused == {ANN: "550 5.1.1 unknown", BOB: "450 4.2.1 too quickly"}
    assert result.reply == OK.reply


@pytest.mark.parametrize("key", ["", "graph_unanswered"])
def test_unknown_part_is_told_from_those_that_never_left(key):
    unknown = exc.DeliveryUnknownError(key, provider_text="504")
    replies = ended(Delivery(["first", ANN, BOB, CAT], 1), None, unknown).refused
    assert replies[ANN].startswith("delivery_unknown:") and "504" in replies[ANN]
    assert replies[BOB] == replies[CAT] == "450 not handed over yet"


def test_unknown_first_part_says_who_was_not_served_for_sure():
    unknown = exc.DeliveryUnknownError(provider_text="x", refused={BOB: "550 5.1.1 no"})
    with pytest.raises(exc.DeliveryUnknownError) as caught:
        ended(Delivery([ANN, BOB, CAT], 2, {"?": "address_invalid"}), unknown)
    assert caught.value.refused == {
        "?": "address_invalid",
        BOB: "550 5.1.1 no",
        CAT: "450 not handed over yet",
    }


def test_mail_that_every_part_refuses_names_every_reply():
    errors = [
        exc.RefusedError("recipient_unknown", refused={name: f"550 5.1.1 {name}"})
        for name in (ANN, BOB)
    ]
    with pytest.raises(exc.RefusedError) as caught:
        ended(Delivery([ANN, BOB], 1), *errors)
    assert caught.value.refused == {ANN: f"550 5.1.1 {ANN}", BOB: f"550 5.1.1 {BOB}"}


def test_refusal_of_the_mail_names_nobody():
    with pytest.raises(exc.RefusedError) as caught:
        ended(Delivery([ANN, BOB], 1), exc.RefusedError("send_as_denied"))
    assert caught.value.refused == {}


def test_passing_refusal_decides_over_a_final_one():
    refused = exc.RefusedError("recipient_unknown", refused={ANN: "550 5.1.1 unknown"})
    with pytest.raises(exc.TransientError):
        ended(Delivery([ANN, BOB], 1), refused, alone())


def test_most_urgent_is_what_may_have_been_delivered_then_what_concerns_the_sender():
    in_order = [
        exc.DeliveryUnknownError(),
        exc.SignInNeededError(),
        exc.ThrottledError(),
        exc.UnreachableError(),
        alone(),
        exc.RefusedError(),
    ]
    for position in range(len(in_order)):
        rest = in_order[position:]
        assert most_urgent(rest) is most_urgent(reversed(rest)) is in_order[position]
