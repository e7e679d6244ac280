"""Whether a mail was sent is looked up in Sent Items."""

import datetime

import pytest
from mail_server_oauth2 import exceptions as exc
from mail_server_oauth2.transport import MailSession, graph_sent_items
from mail_server_oauth2.transport.graph import GraphSession
from mail_server_oauth2.transport.smtp import SmtpSession
from transport_fakes import TokenSource, authority, graph_server
from transport_sandbox import ANN, BERT, BOB, CAT, MS_MAILBOX, SHARED, mail, send

pytest_plugins = ["sandbox_fixture", "transport_sandbox_fixtures"]

ID = "<151-openerp-42-sale.order@odoo.contoso.example>"  # of every mail of this module


@pytest.fixture
def session(connected):
    return connected("graph", read_write=True)


@pytest.fixture
def since():
    return datetime.datetime.now(datetime.UTC)


class TestFound:
    def test_mail_that_went_to_all_of_them(self, session, since):
        send(session, ANN, BOB, to=f"Ann <{ANN}>")
        assert session.find_sent(ID, [ANN, BOB], since)
        assert session.find_sent(ID, [BOB], since)

    def test_mail_whose_answer_was_lost(self, trusted_sandbox, session, since):
        trusted_sandbox.fault("graph.sendmail", "drop", processed=True)
        with pytest.raises(exc.DeliveryUnknownError):
            send(session)
        assert session.find_sent(ID, [ANN], since)

    def test_mail_in_parts(self, session, since):
        session.max_recipients = 1
        send(session, ANN, BOB)
        assert session.find_sent(ID, [ANN, BOB], since)

    def test_addresses_are_compared_as_providers_do(self, session, since):
        send(session, "Ann@Bücher.example")
        assert session.find_sent(ID, ["ann@xn--bcher-kva.example"], since)

    def test_copy_behind_many_others(self, session, since, monkeypatch):
        monkeypatch.setattr(graph_sent_items, "_PAGE", 2)
        send(session, CAT)
        for _count in range(5):
            send(session, ANN)
        assert session.find_sent(ID, [CAT], since)

    def test_quote_in_the_id(self, session, since):
        message = mail(MS_MAILBOX)
        message.replace_header("Message-Id", "<o'brien@odoo.contoso.example>")
        session.send_message(message, MS_MAILBOX, [ANN])
        assert session.find_sent("<o'brien@odoo.contoso.example>", [ANN], since)

    def test_copy_in_the_shared_mailbox_it_was_sent_from(self, connected, since):
        session = connected("graph", account=BERT, mailbox=SHARED, read_write=True)
        send(session)
        assert session.find_sent(ID, [ANN], since)

    def test_copy_from_a_clock_that_is_a_little_behind(self, session, since):
        send(session)
        assert session.find_sent(ID, [ANN], since + datetime.timedelta(seconds=90))

    def test_moments_are_utc_where_they_do_not_say(self, session, since):
        send(session)
        assert session.find_sent(ID, [ANN], since.replace(tzinfo=None))
        later = since + datetime.timedelta(hours=1)
        assert not session.find_sent(ID, [ANN], later.replace(tzinfo=None))

    def test_with_a_renewed_token(self, trusted_sandbox, session, since):
        send(session)
        trusted_sandbox.fault("graph.messages", "error", code="InvalidAuthenticationToken")
        assert session.find_sent(ID, [ANN], since)
        assert session.tokens.refreshed == 1


class TestNotFound:
    def test_mail_that_never_arrived(self, trusted_sandbox, session, since):
        trusted_sandbox.fault("graph.sendmail", "drop", after_body=True)
        with pytest.raises(exc.DeliveryUnknownError):
            send(session)
        assert not session.find_sent(ID, [ANN], since)

    def test_submission_of_the_same_mail_to_somebody_else(self, session, since):
        send(session, ANN)
        assert not session.find_sent(ID, [ANN, BOB], since)
        assert not session.find_sent(ID, [BOB], since)

    def test_nobody_is_not_served(self, session, since):
        send(session)
        assert not session.find_sent(ID, [], since)

    def test_copy_of_an_earlier_attempt(self, session, since):
        send(session)
        assert not session.find_sent(ID, [ANN], since + datetime.timedelta(hours=1))

    def test_draft_is_no_copy(self, trusted_sandbox, session, since):
        trusted_sandbox.fault("graph.send", "drop", after_body=True)
        message = mail(MS_MAILBOX, b"x" * 4_000_000)
        with pytest.raises(exc.DeliveryUnknownError):
            session.send_message(message, MS_MAILBOX, [ANN])
        assert not session.find_sent(ID, [ANN], since)

    def test_copy_that_has_not_appeared_yet(self, trusted_sandbox, session, since):
        trusted_sandbox.settings(sent_items_delay_seconds=60)
        send(session)
        assert not session.find_sent(ID, [ANN], since)
        trusted_sandbox.api("clock", {"advance": 61})
        assert session.find_sent(ID, [ANN], since)

    def test_replaced_id_hides_every_mail_also_one_that_is_known_to_be_sent(
        self, trusted_sandbox, session, since
    ):
        trusted_sandbox.settings(exchange_replaces_message_id=True)
        send(session)
        assert not session.find_sent(ID, [ANN], since)


class TestTrouble:
    def test_missing_permission_is_told(self, connected, since):
        with pytest.raises(exc.RefusedError, match="graph_read_write_denied"):
            connected("graph").find_sent(ID, [ANN], since)

    def test_outage_says_nothing_about_the_mail(self, trusted_sandbox, session, since):
        trusted_sandbox.fault("graph.messages", "error", code="ErrorInternalServerError")
        with pytest.raises(exc.TransientError, match="graph_unavailable"):
            session.find_sent(ID, [ANN], since)

    def test_only_graph_with_the_permission_can_look_up(self, connected, since):
        assert connected("graph", read_write=True).can_look_up
        assert not connected("graph").can_look_up
        session = connected("microsoft_smtp")
        assert not session.can_look_up
        with pytest.raises(NotImplementedError, match="SmtpSession"):
            session.find_sent(ID, [ANN], since)


class TestAnswers:
    @pytest.fixture
    def server(self, tmp_path, monkeypatch):
        ca_file = tmp_path / "ca.pem"
        authority().cert_pem.write_to_path(ca_file)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(ca_file))
        with graph_server() as running:
            yield running

    @pytest.fixture
    def session(self, server):
        session = GraphSession(
            api_url=server.url,
            mailbox=MS_MAILBOX,
            account=MS_MAILBOX,
            get_token=TokenSource(),
            read_write=True,
        )
        yield session
        session.close()

    def copy(self, **changes):
        person = {"emailAddress": {"address": ANN}}
        return {
            "internetMessageId": ID,
            "sentDateTime": "2100-01-01T00:00:00.1234567Z",
            "toRecipients": [person],
            **changes,
        }

    def test_token_goes_to_no_other_host_for_more(self, server, session, since):
        page = {"value": [], "@odata.nextLink": "https://elsewhere.example/v1.0/me/messages"}
        server.script = [(200, {}, page)]
        with pytest.raises(exc.UnreachableError, match="graph_unexpected_answer"):
            session.find_sent(ID, [ANN], since)

    def test_pages_have_an_end(self, server, session, since):
        page = {"value": [], "@odata.nextLink": f"{server.url}/v1.0/me/messages?$skip=50"}
        server.script = [(200, {}, page)] * 1000
        assert not session.find_sent(ID, [ANN], since)
        assert len(server.requests) < 100

    def test_least_is_asked_for(self, server, session, since):
        server.script = [(200, {}, {"value": [self.copy()]})]
        assert session.find_sent(ID, [ANN], since)
        path = server.requests[0][0]
        assert path.startswith("/v1.0/me/mailFolders/sentitems/messages?%24filter=")
        assert "body" not in path.lower()

    @pytest.mark.parametrize(
        "changes",
        [
            {"internetMessageId": "<other@x>"},
            {"toRecipients": []},
            {"toRecipients": None},
            {"toRecipients": [{}, {"emailAddress": {}}, {"emailAddress": {"address": None}}]},
        ],
    )
    def test_copy_that_does_not_prove_it_does_not_count(self, server, session, since, changes):
        server.script = [(200, {}, {"value": [self.copy(**changes), "nonsense"]})]
        assert not session.find_sent(ID, [ANN], since)

    @pytest.mark.parametrize(
        "answer",
        [{}, {"value": "x"}, {"value": [{"internetMessageId": ID, "sentDateTime": "yesterday"}]}],
    )
    def test_answer_of_another_shape_is_no_proof_of_absence(self, server, session, since, answer):
        server.script = [(200, {}, answer)]
        with pytest.raises(exc.UnreachableError, match="graph_unexpected_answer"):
            session.find_sent(ID, [ANN], since)


def test_every_session_says_whether_it_can():
    assert MailSession.can_look_up is SmtpSession.can_look_up is False
