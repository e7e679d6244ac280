"""The sandbox's Graph sendMail: what leaves, what stays in Sent Items, what is refused."""

import base64

import pytest
from sandbox_clients import (
    ERP,
    graph,
    graph_token,
    mail,
    microsoft_grant,
    microsoft_token,
    send_mime,
)

pytest_plugins = ["sandbox_fixture"]

SHARED = "invoices@contoso.example"
ALL = "Mail.Send Mail.Send.Shared Mail.Read Mail.ReadWrite User.Read"


def error(response):
    body = response.json()["error"]
    return response.status_code, body["code"], body["message"]


def test_mime_goes_to_to_cc_and_bcc_and_loses_its_bcc(sandbox):
    raw = mail(ERP, "a@x.example, B <b@x.example>", Cc="c@x.example", Bcc="d@x.example")
    raw = raw.replace(b"Subject:", b"Auto-Submitted: auto-generated\r\nX-Odoo: 1\r\nSubject:", 1)
    response = send_mime(sandbox, graph_token(sandbox), raw)
    assert (response.status_code, response.content) == (202, b"")
    assert response.headers["request-id"]
    rows = sandbox.messages()
    assert [row["recipient"][0] for row in rows] == ["a", "b", "c", "d"]
    assert {row["via"] for row in rows} == {"graph"}
    source = sandbox.source(rows[0])
    assert b"d@x.example" not in source
    assert b"Auto-Submitted" not in source
    assert b"X-Odoo: 1\r\n" in source
    assert source.endswith(b"\r\n\r\nPlease find our invoice.\r\n")


def test_sent_items_answer_a_search_by_message_id(sandbox):
    token = graph_token(sandbox, permissions=ALL)
    raw = mail(ERP, Bcc="hidden@x.example")
    send_mime(sandbox, token, raw)
    message_id = sandbox.messages()[0]["message_id"]

    def search(value):
        path = f"/me/mailFolders/sentitems/messages?$filter=internetMessageId eq '{value}'"
        return graph(sandbox, "GET", path, token).json()["value"]

    assert [found["internetMessageId"] for found in search(message_id)] == [message_id]
    assert (
        search(message_id)[0]["bccRecipients"][0]["emailAddress"]["address"] == "hidden@x.example"
    )
    assert search("<other@x.example>") == []


def test_searching_needs_the_permission_to_read(sandbox):
    response = graph(sandbox, "GET", "/me/messages", graph_token(sandbox))
    assert error(response)[:2] == (403, "ErrorAccessDenied")


def test_json_becomes_a_mail(sandbox):
    message = {
        "subject": "Hällo",
        "body": {"contentType": "HTML", "content": "<p>Hi</p>"},
        "toRecipients": [{"emailAddress": {"address": "a@x.example", "name": "A"}}],
        "bccRecipients": [{"emailAddress": {"address": "b@x.example"}}],
        "replyTo": [{"emailAddress": {"address": "r@x.example"}}],
        "internetMessageHeaders": [{"name": "x-odoo", "value": "1"}],
        "attachments": [
            {
                "@odata.type": "#microsoft.graph.fileAttachment",
                "name": "a.pdf",
                "contentType": "application/pdf",
                "contentBytes": base64.b64encode(b"%PDF").decode(),
            }
        ],
    }
    token = graph_token(sandbox)
    payload = {"message": message, "saveToSentItems": False}
    assert graph(sandbox, "POST", "/me/sendMail", token, json=payload).status_code == 202
    rows = sandbox.messages()
    assert [row["recipient"] for row in rows] == ["a@x.example", "b@x.example"]
    assert rows[0]["subject"] == "Hällo"
    assert b'filename="a.pdf"' in sandbox.source(rows[0])
    reader = graph_token(sandbox, permissions="Mail.Read")
    assert graph(sandbox, "GET", "/me/messages", reader).json()["value"] == []


@pytest.mark.parametrize(
    "headers, code",
    [
        ([{"name": "In-Reply-To", "value": "<1@x>"}], "InvalidInternetMessageHeader"),
        (
            [{"name": f"x-{n}", "value": ""} for n in range(6)],
            "InvalidInternetMessageHeaderCollection",
        ),
    ],
)
def test_json_takes_five_x_headers_and_no_others(sandbox, headers, code):
    message = {
        "toRecipients": [{"emailAddress": {"address": "a@x.example"}}],
        "internetMessageHeaders": headers,
    }
    token = graph_token(sandbox)
    response = graph(sandbox, "POST", "/me/sendMail", token, json={"message": message})
    assert error(response)[:2] == (400, code)
    assert sandbox.messages() == []


def test_a_mail_nobody_gets_is_refused(sandbox):
    raw = mail(ERP).replace(b"To: customer@example.com\r\n", b"")
    expected = (
        400,
        "ErrorInvalidRecipients",
        "At least one recipient is not valid., A message can't be sent because it contains no"
        " recipients.",
    )
    assert error(send_mime(sandbox, graph_token(sandbox), raw)) == expected


def test_broken_base64_and_other_content_types_are_refused(sandbox):
    token, headers = graph_token(sandbox), {"Content-Type": "text/plain"}
    broken = graph(sandbox, "POST", "/me/sendMail", token, data=mail(ERP), headers=headers)
    assert error(broken) == (
        400,
        "ErrorMimeContentInvalidBase64String",
        "Invalid base64 string for MIME content.",
    )
    headers = {"Content-Type": "message/rfc822"}
    other = graph(sandbox, "POST", "/me/sendMail", token, data=mail(ERP), headers=headers)
    assert other.status_code == 415


def test_a_request_may_have_four_megabytes(sandbox):
    token = graph_token(sandbox)
    small, large = mail(ERP) + b"x\r\n" * 1_000_000, mail(ERP) + b"x\r\n" * 1_050_000
    assert send_mime(sandbox, token, small).status_code == 202
    assert send_mime(sandbox, token, large).status_code == 413
    sandbox.settings(graph_oversize_status=400)
    assert error(send_mime(sandbox, token, large)) == (
        400,
        "BadRequest",
        "The maximum request length supported is 4MB.",
    )
    assert len(sandbox.messages()) == 1


@pytest.mark.parametrize(
    "sender", ["other@contoso.example", "bert@contoso.example", f"{ERP}, {SHARED}"]
)
def test_another_from_is_denied(sandbox, sender):
    response = send_mime(sandbox, graph_token(sandbox, permissions=ALL), mail(sender))
    assert error(response) == (
        403,
        "ErrorSendAsDenied",
        "The user account which was used to submit this request does not have the right to send"
        " mail on behalf of the specified sending account. Cannot submit message.",
    )


def test_send_as_needs_the_right_and_the_shared_permission(sandbox):
    raw = mail(f"Invoices <{SHARED}>")
    assert send_mime(sandbox, graph_token(sandbox), raw).status_code == 403
    assert send_mime(sandbox, graph_token(sandbox, permissions=ALL), raw).status_code == 202
    anna = graph_token(sandbox, "anna@contoso.example", ALL)
    assert send_mime(sandbox, anna, raw).status_code == 403


def test_a_shared_mailbox_is_used_by_its_members(sandbox):
    path, raw = f"/users/{SHARED}/sendMail", mail(SHARED)
    assert send_mime(sandbox, graph_token(sandbox, permissions=ALL), raw, path).status_code == 202
    assert sandbox.messages()[0]["mailbox"] == SHARED
    without = send_mime(sandbox, graph_token(sandbox), raw, path)
    assert error(without)[:2] == (403, "ErrorAccessDenied")
    anna = graph_token(sandbox, "anna@contoso.example", ALL)
    assert error(send_mime(sandbox, anna, raw, path))[1] == "ErrorAccessDenied"
    missing = send_mime(sandbox, anna, raw, "/users/nobody@contoso.example/sendMail")
    assert missing.status_code == 404


def test_an_account_without_a_mailbox_cannot_send(sandbox):
    nobody = "nolicence@contoso.example"
    response = send_mime(sandbox, graph_token(sandbox, nobody), mail(nobody))
    assert error(response) == (
        404,
        "MailboxNotEnabledForRESTAPI",
        "The mailbox is either inactive, soft-deleted, or is hosted on-premise.",
    )


def test_me_tells_who_signed_in(sandbox):
    profile = graph(sandbox, "GET", "/me", graph_token(sandbox, permissions="User.Read")).json()
    assert (profile["mail"], profile["userPrincipalName"]) == (ERP, ERP)
    nobody = graph_token(sandbox, "nolicence@contoso.example", "User.Read")
    assert graph(sandbox, "GET", "/me", nobody).json()["mail"] is None
    assert graph(sandbox, "GET", "/me", graph_token(sandbox)).status_code == 403
    other = graph(sandbox, "GET", f"/users/{SHARED}", nobody)
    assert other.status_code == 403


def test_tokens_that_do_not_fit_are_told_apart(sandbox):
    smtp_token = microsoft_grant(sandbox)["access_token"]
    mine = graph_token(sandbox)
    sandbox.api("clock", {"advance": 3600})
    cases = {
        smtp_token: "Access token validation failure. Invalid audience.",
        mine: "Lifetime validation failed, the token is expired.",
        "nonsense": "CompactToken parsing failed with error code: 80049217",
        "a.b.c": "Access token validation failure.",
        "": "Access token is empty.",
    }
    for token, words in cases.items():
        response = send_mime(sandbox, token, mail(ERP))
        assert error(response) == (401, "InvalidAuthenticationToken", words)
        assert response.headers["WWW-Authenticate"].startswith("Bearer ")


def test_smtp_permission_is_not_the_permission_to_send_by_graph(sandbox):
    token = graph_token(sandbox, permissions="User.Read")
    assert error(send_mime(sandbox, token, mail(ERP)))[:2] == (403, "ErrorAccessDenied")


def test_a_mail_to_nobody_known_is_accepted_and_comes_back(sandbox):
    sandbox.api("recipients", {"address": "gone@x.example", "reply": "550 5.1.1 User unknown"})
    token = graph_token(sandbox, permissions=ALL)
    assert send_mime(sandbox, token, mail(ERP, "gone@x.example, ok@x.example")).status_code == 202
    assert [row["recipient"] for row in sandbox.messages()] == ["ok@x.example"]
    inbox = graph(sandbox, "GET", "/me/mailFolders/inbox/messages", token).json()["value"]
    assert "550 5.1.1 User unknown" in inbox[0]["body"]["content"]


def test_a_switch_replaces_the_message_id(sandbox):
    sandbox.settings(exchange_replaces_message_id=True)
    raw = mail(ERP)
    send_mime(sandbox, graph_token(sandbox), raw)
    assert sandbox.messages()[0]["message_id"].encode() not in raw


def test_an_app_sends_for_any_mailbox_but_not_as_me(sandbox):
    client_id = sandbox.microsoft["client_id"]
    sandbox.api("clients", {"client_id": client_id, "roles": ["Mail.Send"]})
    token = microsoft_token(
        sandbox,
        grant_type="client_credentials",
        scope="https://graph.microsoft.com/.default",
    ).json()["access_token"]
    assert send_mime(sandbox, token, mail(ERP), f"/users/{ERP}/sendMail").status_code == 202
    assert send_mime(sandbox, token, mail(SHARED), f"/users/{ERP}/sendMail").status_code == 403
    assert error(send_mime(sandbox, token, mail(ERP)))[:2] == (400, "BadRequest")
