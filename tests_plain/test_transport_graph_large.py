"""Mail above Graph's limit for one request, at the sandbox: a draft, its files, and *send*."""

import email
import email.policy
import hashlib
import os
import tracemalloc

import pytest
from mail_server_oauth2 import exceptions as exc
from mail_server_oauth2.providers.http_session import open_session
from mail_server_oauth2.transport import graph
from mail_server_oauth2.transport.graph_http import GraphHttp
from mail_server_oauth2.transport.graph_replies import Answer
from mail_server_oauth2.transport.graph_upload import PIECE, Upload
from mail_server_oauth2.transport.transcript import Transcript
from transport_sandbox import ANN, BERT, BOB, CAT, MS_MAILBOX, SHARED, mail, received, send

pytest_plugins = ["sandbox_fixture", "transport_sandbox_fixtures"]

MB = 1024 * 1024
IDS = " ".join(f"<{number}-{'x' * 90}@odoo.contoso.example>" for number in range(3))


@pytest.fixture
def session(connected):
    return connected("graph", read_write=True)


def large(size=4 * MB, sender=MS_MAILBOX, **headers):
    """Return a mail with a file and that file's content."""
    content = os.urandom(size)
    return mail(sender, content, **headers), content


def deliver(session, message, *recipients):
    return session.send_message(message, session.mailbox, list(recipients) or [ANN])


def arrived(sandbox, recipient=ANN):
    (row,) = sandbox.messages(recipient=recipient)
    return email.message_from_bytes(sandbox.source(row), policy=email.policy.SMTP)


def files(message):
    return [part.get_content() for part in message.iter_attachments()]


def folder(sandbox, session, name):
    token = session.tokens(False).value
    url = f"{sandbox.https}/v1.0/me/mailFolders/{name}/messages"
    answer = sandbox.session.get(url, headers={"Authorization": f"Bearer {token}"})
    return answer.json()["value"]


def is_clean(sandbox, session):
    """Whether nobody got anything and no draft is left."""
    return received(sandbox) == [] and folder(sandbox, session, "drafts") == []


class TestSending:
    def test_thread_and_every_header_survive(self, trusted_sandbox, session):
        headers = {
            "In-Reply-To": "<9@odoo.contoso.example>",
            "Reply-To": "Sales <sales@contoso.example>",
            "List-Unsubscribe": "<https://odoo.contoso.example/unsubscribe>",
            "X-Odoo-Objects": "sale.order-42",
        }
        message, content = large(**headers)
        del message["References"]
        message["References"] = IDS
        result = deliver(session, message)
        found = arrived(trusted_sandbox)
        for name in (*headers, "Message-Id", "References", "Subject", "From", "To"):
            assert str(found[name]) == str(message[name])
        assert found.get_body().get_content() == "Grüße\r\n.\r\n"
        assert files(found) == [content]
        assert (result.reply, bool(result.request_id)) == ("202 Accepted", True)
        assert folder(trusted_sandbox, session, "drafts") == []

    def test_the_envelope_decides(self, trusted_sandbox, session):
        message, _content = large(to=f"{ANN}, {BOB}")
        deliver(session, message, ANN, CAT)
        assert sorted(received(trusted_sandbox)) == [ANN, CAT]
        assert arrived(trusted_sandbox)["To"] == ANN

    @pytest.mark.parametrize(
        ("sizes", "calls"),
        [
            ([5 * MB // 2, 3 * MB - 1000, 100], {"POST": 2}),  # the last one stays
            ([3 * MB], {"POST": 1, "PUT": 1}),
            ([PIECE], {"POST": 1, "PUT": 1}),
            ([PIECE + 1, 3 * MB - 1000], {"POST": 2, "PUT": 2}),
        ],
    )
    def test_files_go_up_as_their_size_wants(self, trusted_sandbox, session, sizes, calls):
        message = mail(MS_MAILBOX)
        contents = [os.urandom(size) for size in sizes]
        for content in contents:
            message.add_attachment(content, maintype="application", subtype="zip", filename="a.zip")
        deliver(session, message)
        digests = {hashlib.sha256(content).digest() for content in contents}
        found = files(arrived(trusted_sandbox))
        assert {hashlib.sha256(content).digest() for content in found} == digests
        assert len(found) == len(contents)
        assert trusted_sandbox.count("graph.attachments", "POST", 201) == calls["POST"]
        assert trusted_sandbox.count("graph.upload", "PUT") == calls.get("PUT", 0)

    def test_large_image_stays_in_the_html(self, trusted_sandbox, session):
        message, image = mail(MS_MAILBOX), os.urandom(4 * MB)
        message.add_alternative('<img src="cid:logo@odoo.example">', subtype="html")
        html = message.get_body(("html",))
        html.add_related(image, "image", "png", cid="<logo@odoo.example>", filename="logo.png")
        deliver(session, message)
        parts = arrived(trusted_sandbox).walk()
        (part,) = (part for part in parts if part.get_content_type() == "image/png")
        assert (part["Content-ID"], part.get_content_disposition()) == (
            "<logo@odoo.example>",
            "inline",
        )
        assert part.get_content() == image

    def test_small_mail_needs_no_draft(self, trusted_sandbox, session):
        send(session)
        assert trusted_sandbox.count("graph.messages") == 0
        assert session.max_size == 150 * MB

    def test_mail_above_what_any_mailbox_takes_is_refused_before_a_byte_leaves(
        self, trusted_sandbox, session, monkeypatch
    ):
        monkeypatch.setattr(graph, "MAIL_LIMIT", 5 * MB)
        with pytest.raises(exc.RefusedError, match="message_too_large") as caught:
            deliver(session, large()[0])
        assert caught.value.details["limit"] == 5 * MB
        assert trusted_sandbox.count("graph.messages") == 0

    def test_text_that_fits_no_request_is_refused(self, trusted_sandbox, session):
        message = mail(MS_MAILBOX)
        message.set_content("Hello\n" * 1_000_000)
        with pytest.raises(exc.RefusedError, match="message_too_large"):
            deliver(session, message)
        assert trusted_sandbox.count("graph.messages") == 0

    def test_file_is_not_held_in_copies(self, trusted_sandbox, session):
        message, content = large(16 * MB)
        send(session)  # whatever is loaded late
        tracemalloc.start()
        deliver(session, message)
        _now, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert trusted_sandbox.messages()[-1]["size"] > len(content)
        assert peak < len(content) + 4 * PIECE

    def test_more_recipients_than_a_message_may_have_get_drafts_of_their_own(
        self, trusted_sandbox, session
    ):
        session.max_recipients = 1
        deliver(session, large(4 * MB)[0], ANN, BOB)
        assert sorted(received(trusted_sandbox)) == [ANN, BOB]
        assert trusted_sandbox.count("graph.send", "POST", 202) == 2


class TestFailures:
    """Before *send* nobody got anything: the mail waits or is refused, and the draft goes."""

    @pytest.mark.parametrize(
        ("place", "code", "key"),
        [
            ("graph.messages", "ErrorInternalServerError", "graph_unavailable"),
            ("graph.messages", "TooManyRequests", "graph_throttled"),
            ("graph.attachments", "GatewayTimeout", "graph_unavailable"),
            ("graph.attachments", "ErrorItemNotFound", "graph_item_not_found"),
            ("graph.attachments", "ErrorAccessDenied", "graph_read_write_denied"),
            ("graph.upload", "ErrorQuotaExceeded", "mailbox_full"),
            ("graph.send", "ErrorSendAsDenied", "send_as_denied"),
            ("graph.send", "ErrorItemNotFound", "graph_item_not_found"),
        ],
    )
    def test_refusal_of_any_step_leaves_nothing(self, trusted_sandbox, session, place, code, key):
        trusted_sandbox.fault(place, "error", code=code, times=4)
        with pytest.raises(exc.MailOAuth2Error) as caught:
            deliver(session, large()[0])
        trusted_sandbox.api("faults", method="DELETE")
        assert caught.value.key == key
        assert caught.value.outcome in ("later", "refused")
        assert is_clean(trusted_sandbox, session)
        message, content = large()
        deliver(session, message)
        assert files(arrived(trusted_sandbox)) == [content]

    @pytest.mark.parametrize("place", ["graph.messages", "graph.attachments"])
    def test_connection_lost_at_any_step_leaves_nothing(self, trusted_sandbox, session, place):
        trusted_sandbox.fault(place, "drop", after_body=True)
        with pytest.raises(exc.UnreachableError, match="connection_dropped") as caught:
            deliver(session, large()[0])
        assert not caught.value.stops_mailbox
        assert is_clean(trusted_sandbox, session)

    @pytest.mark.parametrize("place", ["graph.attachments", "graph.upload", "graph.send"])
    def test_throttling_in_the_middle_is_a_pause(self, trusted_sandbox, session, place):
        trusted_sandbox.fault(place, "error", code="ApplicationThrottled", retry_after="2.128")
        with pytest.raises(exc.ThrottledError) as caught:
            deliver(session, large()[0])
        assert (caught.value.retry_after, caught.value.stops_mailbox) == (2.128, True)
        assert is_clean(trusted_sandbox, session)

    def test_mailbox_that_takes_less_refuses_at_the_end(self, trusted_sandbox, session):
        trusted_sandbox.settings(mailbox_message_bytes=5 * MB)
        with pytest.raises(exc.RefusedError, match="message_too_large"):
            deliver(session, large()[0])
        assert is_clean(trusted_sandbox, session)

    @pytest.mark.parametrize("place", ["graph.messages", "graph.attachments", "graph.send"])
    def test_refused_token_is_renewed_and_the_mail_goes_out_once(
        self, trusted_sandbox, session, place
    ):
        trusted_sandbox.fault(place, "error", code="InvalidAuthenticationToken")
        deliver(session, large()[0])
        assert received(trusted_sandbox) == [ANN]
        assert session.tokens.refreshed == 1
        assert folder(trusted_sandbox, session, "drafts") == []

    def test_token_without_the_permission_refuses_the_mail_and_holds_nothing(
        self, trusted_sandbox, connected
    ):
        session = connected("graph")
        session.can_look_up = True
        with pytest.raises(exc.RefusedError, match="graph_read_write_denied"):
            deliver(session, large()[0])
        send(session)
        assert received(trusted_sandbox) == [ANN]


class TestUploads:
    @pytest.mark.parametrize("processed", [False, True])
    @pytest.mark.parametrize("after", [0, 1])
    def test_lost_piece_is_the_only_one_that_goes_up_again(
        self, trusted_sandbox, session, processed, after
    ):
        trusted_sandbox.fault(
            "graph.upload", "drop", processed=processed, after_body=True, after=after
        )
        message, content = large(3 * PIECE)
        deliver(session, message)
        assert files(arrived(trusted_sandbox)) == [content]
        assert trusted_sandbox.count("graph.upload", "PUT") == (3 if processed else 4)
        assert trusted_sandbox.count("graph.upload", "GET") == 1

    def test_piece_that_met_trouble_at_graph_goes_up_again(self, trusted_sandbox, session):
        trusted_sandbox.fault("graph.upload", "error", code="ServiceUnavailable", after=1)
        message, content = large()
        deliver(session, message)
        assert files(arrived(trusted_sandbox)) == [content]

    def test_pause_that_graph_asks_for_is_taken(self, trusted_sandbox, session):
        trusted_sandbox.fault("graph.upload", "error", code="ServiceUnavailable", retry_after="30")
        with pytest.raises(exc.TransientError) as caught:
            deliver(session, large()[0])
        assert caught.value.retry_after == 30
        assert is_clean(trusted_sandbox, session)

    def test_where_an_upload_stands_may_be_lost_too(self, trusted_sandbox, session):
        trusted_sandbox.fault("graph.upload", "drop", times=2)
        message, content = large()
        deliver(session, message)
        assert files(arrived(trusted_sandbox)) == [content]

    def test_file_that_may_have_come_up_whole_is_not_sent_twice(self, trusted_sandbox, session):
        trusted_sandbox.fault("graph.upload", "drop", processed=True, after=1)
        with pytest.raises(exc.TransientError, match="graph_upload_lost") as caught:
            deliver(session, large()[0])
        assert not caught.value.stops_mailbox
        assert is_clean(trusted_sandbox, session)

    def test_nor_is_one_whose_session_does_not_say(self, trusted_sandbox, session):
        trusted_sandbox.fault("graph.upload", "drop", processed=True, after=1)
        trusted_sandbox.fault("graph.upload", "drop", after=1)
        with pytest.raises(exc.TransientError, match="graph_upload_lost"):
            deliver(session, large()[0])
        assert trusted_sandbox.count("graph.upload", "PUT", 404) == 1
        assert is_clean(trusted_sandbox, session)

    def test_line_that_keeps_breaking_ends_the_attempt(self, trusted_sandbox, session):
        trusted_sandbox.fault("graph.upload", "drop", times=None)
        with pytest.raises(exc.UnreachableError, match="connection_dropped"):
            deliver(session, large()[0])
        trusted_sandbox.api("faults", method="DELETE")
        assert is_clean(trusted_sandbox, session)

    def test_session_that_has_run_out_is_opened_anew_once(self, trusted_sandbox, session):
        trusted_sandbox.fault("graph.upload", "error", code="ErrorItemNotFound", after=1)
        message, content = large()
        deliver(session, message)
        assert files(arrived(trusted_sandbox)) == [content]
        trusted_sandbox.fault("graph.upload", "error", code="ErrorItemNotFound", times=2)
        with pytest.raises(exc.TransientError, match="graph_upload_lost"):
            deliver(session, message, BOB)

    def test_permission_in_the_address_is_in_no_transcript(self, trusted_sandbox, session):
        session.transcript = Transcript()
        deliver(session, large()[0])
        text = str(session.transcript)
        assert f"> PUT {trusted_sandbox.https}/… ({PIECE} bytes)" in text
        assert "/upload/" not in text

    @pytest.mark.parametrize(
        "url",
        [
            "https://outlook.office.com/api/v2.0/Users('x')/AttachmentSessions('y')?authtoken=z",
            "https://outlook.office365.com:443/x",
            "https://eur.outlook.office365.us/x",
            "https://partner.outlook.cn/x",
            "https://graph.contoso.example:8443/x",  # the host of Graph itself
        ],
    )
    def test_file_goes_to_hosts_of_exchange(self, url):
        assert uploaded_to(url) == url

    @pytest.mark.parametrize(
        "url",
        [
            "http://outlook.office.com/x",
            "https://outlook.office.com.evil.example/x",
            "https://evil-outlook.office.com@evil.example/x",
            "https://evil.example/outlook.office.com",
            "https://outlook.office.com:8443/x",
            "https://notoutlook.office.com/x",
            "https://graph.contoso.example/x",  # another port
            "https://127.0.0.1/x",
            "https://169.254.169.254/latest",
            "file:///etc/passwd",
        ],
    )
    def test_file_goes_nowhere_else(self, url):
        with pytest.raises(exc.ConfigurationError, match="graph_upload_host"):
            uploaded_to(url)

    @pytest.mark.parametrize("ranges", [None, ["0-"], ["9-"]])
    def test_answer_that_leads_nowhere_is_no_endless_loop(self, ranges):
        with pytest.raises(exc.UnreachableError, match="graph_unexpected_answer"):
            uploaded_to("https://outlook.office.com/x", status=200, ranges=ranges)


def uploaded_to(url, status=201, ranges=None):
    """Let a file of four bytes go up; return where it went."""
    answer = Answer(status, content={"nextExpectedRanges": ranges})
    seen = []

    class Http:
        def request(self, method, url, **_more):
            seen.append(url)
            return answer

    session = Answer(201, content={"uploadUrl": url})
    Upload(Http(), lambda: session, "https://graph.contoso.example:8443/v1.0/me").run(b"file")
    return seen[0]


class TestUnknown:
    @pytest.mark.parametrize(
        ("fault", "delivered"),
        [
            ({"kind": "drop", "processed": True}, True),
            ({"kind": "drop", "after_body": True}, False),
            ({"kind": "error", "code": "GatewayTimeout", "processed": True}, True),
            ({"kind": "error", "code": "ErrorInternalServerError"}, False),
            ({"kind": "reply", "status": 200}, False),
        ],
    )
    def test_broken_send_is_unknown_until_the_draft_is_looked_for(
        self, trusted_sandbox, session, fault, delivered
    ):
        trusted_sandbox.fault("graph.send", **fault)
        with pytest.raises(exc.DeliveryUnknownError) as caught:
            deliver(session, large()[0])
        assert received(trusted_sandbox) == [ANN] * delivered
        draft_id = caught.value.details["draft_id"]
        found = [session.recall_draft(draft_id) for _time in range(2)]
        unsent = [graph.DraftFate.RECALLED, graph.DraftFate.GONE]
        assert found == ([graph.DraftFate.SENT] * 2 if delivered else unsent)
        assert folder(trusted_sandbox, session, "drafts") == []

    def test_send_that_nobody_took_is_tried_later(self, trusted_sandbox, session):
        trusted_sandbox.fault("graph.send", "error", code="ServiceUnavailable", retry_after="7")
        with pytest.raises(exc.TransientError) as caught:
            deliver(session, large()[0])
        assert caught.value.retry_after == 7
        assert is_clean(trusted_sandbox, session)

    def test_draft_that_cannot_be_looked_for_is_told(self, trusted_sandbox, session):
        trusted_sandbox.fault("graph.messages", "error", code="ErrorInternalServerError")
        with pytest.raises(exc.TransientError, match="graph_unavailable"):
            session.recall_draft("AAMk-x")
        trusted_sandbox.fault("graph.messages", "error", code="MailboxNotEnabledForRESTAPI")
        with pytest.raises(exc.ConfigurationError, match="graph_mailbox_not_enabled"):
            session.recall_draft("AAMk-x")


class TestSharedMailbox:
    @pytest.fixture
    def session(self, connected):
        return connected("graph", account=BERT, mailbox=SHARED, read_write=True)

    def test_files_below_3_mb_go_out(self, trusted_sandbox, session):
        message = mail(SHARED)
        for _count in range(2):
            message.add_attachment(os.urandom(2 * MB), maintype="a", subtype="b", filename="c")
        deliver(session, message)
        assert received(trusted_sandbox) == [ANN]
        assert trusted_sandbox.messages()[0]["mailbox"] == SHARED

    def test_larger_ones_are_refused_as_microsoft_does(self, trusted_sandbox, session):
        with pytest.raises(exc.RefusedError, match="graph_read_write_denied"):
            deliver(session, large(sender=SHARED)[0])
        assert received(trusted_sandbox) == []

    def test_odoo_is_told_to_send_links(self, session):
        assert session.max_size == graph.MIME_LIMIT


def test_connection_that_is_refused_at_send_is_tried_later(trusted_sandbox, session):
    """A connection that idled is made anew; where that fails, nothing was sent."""
    moments = [0.0]
    session._http = GraphHttp(
        open_http=lambda: open_session(connect_timeout=1), monotonic=lambda: moments[-1]
    )
    request = session._http.request

    def idling(method, url, **options):
        if url.endswith("/send"):
            moments.append(1000.0)
            trusted_sandbox.api("listeners", {"https": False})
        return request(method, url, **options)

    session._http.request = idling
    with pytest.raises(exc.UnreachableError, match="connection_refused") as caught:
        deliver(session, large()[0])
    assert caught.value.stops_mailbox
    trusted_sandbox.api("listeners", {"https": True})
    assert received(trusted_sandbox) == []
