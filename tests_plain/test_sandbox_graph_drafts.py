"""The sandbox's Graph drafts: attachments, upload sessions, sending."""

import base64

import pytest
from sandbox_clients import ERP, graph, graph_token, mail, send_mime

pytest_plugins = ["sandbox_fixture"]

ALL = "Mail.Send Mail.Send.Shared Mail.Read Mail.ReadWrite Mail.ReadWrite.Shared"
SHARED = "invoices@contoso.example"
MEGABYTE = 1024 * 1024
DRAFT = {
    "subject": "Large",
    "internetMessageId": "<large@odoo.example>",
    "body": {"contentType": "HTML", "content": "<p>See attachment</p>"},
    "toRecipients": [{"emailAddress": {"address": "a@x.example"}}],
}


@pytest.fixture
def token(sandbox):
    return graph_token(sandbox, permissions=ALL)


@pytest.fixture
def draft(sandbox, token):
    response = graph(sandbox, "POST", "/me/messages", token, json=DRAFT)
    assert response.status_code == 201
    return response.json()


def session_for(sandbox, token, draft, size, base="/me"):
    item = {"attachmentType": "file", "name": "big.bin", "size": size}
    path = f"{base}/messages/{draft['id']}/attachments/createUploadSession"
    return graph(sandbox, "POST", path, token, json={"AttachmentItem": item})


def put(sandbox, url, content, start, total, **headers):
    headers["Content-Range"] = f"bytes {start}-{start + len(content) - 1}/{total}"
    headers.setdefault("Content-Type", "application/octet-stream")
    return sandbox.session.put(url, data=content, headers=headers)


def test_a_draft_is_sent_once_and_leaves_the_drafts(sandbox, token, draft):
    assert draft["isDraft"]
    assert draft["internetMessageId"] == "<large@odoo.example>"
    path = f"/me/messages/{draft['id']}"
    attachment = {"name": "a.txt", "contentBytes": base64.b64encode(b"hello").decode()}
    added = graph(sandbox, "POST", f"{path}/attachments", token, json=attachment)
    assert added.status_code == 201
    sent = graph(sandbox, "POST", f"{path}/send", token)
    assert (sent.status_code, sent.content) == (202, b"")
    again = graph(sandbox, "POST", f"{path}/send", token)
    assert (again.status_code, again.json()["error"]["code"]) == (404, "ErrorItemNotFound")
    assert [row["message_id"] for row in sandbox.messages()] == ["<large@odoo.example>"]
    assert b'filename="a.txt"' in sandbox.source(sandbox.messages()[0])
    folder = graph(sandbox, "GET", "/me/mailFolders/sentitems/messages", token).json()["value"]
    assert [message["hasAttachments"] for message in folder] == [True]


def test_an_upload_session_takes_chunks_in_order(sandbox, token, draft):
    size = 5 * MEGABYTE
    created = session_for(sandbox, token, draft, size)
    assert created.status_code == 201
    url = created.json()["uploadUrl"]
    assert created.json()["nextExpectedRanges"] == ["0-"]
    first, rest = b"x" * 3 * MEGABYTE, b"y" * 2 * MEGABYTE
    assert put(sandbox, url, rest, 3 * MEGABYTE, size).status_code == 416
    refused = put(sandbox, url, first, 0, size, Authorization=f"Bearer {token}")
    assert refused.status_code == 401
    assert put(sandbox, url, first, 0, size, **{"Content-Type": "text/plain"}).status_code == 415
    answer = put(sandbox, url, first, 0, size)
    assert (answer.status_code, answer.json()["nextExpectedRanges"]) == (200, [f"{len(first)}-"])
    assert sandbox.session.get(url).json() == answer.json()
    assert put(sandbox, url, rest, len(first), size).status_code == 201
    graph(sandbox, "POST", f"/me/messages/{draft['id']}/send", token)
    assert sandbox.messages()[0]["size"] > size


def test_an_upload_session_expires(sandbox, token, draft):
    url = session_for(sandbox, token, draft, 4 * MEGABYTE).json()["uploadUrl"]
    sandbox.api("clock", {"advance": 3 * 3600 + 1})
    assert put(sandbox, url, b"x" * MEGABYTE, 0, 4 * MEGABYTE).status_code == 404
    assert sandbox.session.get(url).status_code == 404


IDS = b"\r\n ".join(b"<%d-%s@odoo.example>" % (number, b"x" * 90) for number in range(3))


def mime_draft(sandbox, token, **headers):
    raw = mail(ERP, List_Unsubscribe="<https://odoo.example/u>", Bcc="b@x")
    body = base64.b64encode(b"References: " + IDS + b"\r\n" + raw)
    headers["Content-Type"] = "text/plain"
    return graph(sandbox, "POST", "/me/messages", token, data=body, headers=headers).json()


def test_a_mime_draft_keeps_its_headers_and_gets_its_files(sandbox, token):
    draft = mime_draft(sandbox, token)
    image = {
        "name": "logo.png",
        "contentType": "image/png",
        "contentBytes": base64.b64encode(b"PNG").decode(),
        "isInline": True,
        "contentId": "logo@odoo.example",
    }
    path = f"/me/messages/{draft['id']}"
    added = graph(sandbox, "POST", f"{path}/attachments", token, json=image).json()
    assert (added["size"], added["isInline"], "contentBytes" in added) == (3, True, False)
    assert graph(sandbox, "POST", f"{path}/send", token).status_code == 202
    source = sandbox.source(sandbox.messages(recipient="b@x")[0])
    assert b"References: " + IDS + b"\r\n" in source
    assert b"List-Unsubscribe: <https://odoo.example/u>\r\n" in source
    assert b"Content-ID: <logo@odoo.example>\r\n" in source
    assert b'Content-Disposition: inline; filename="logo.png"' in source


@pytest.mark.parametrize(
    "attachment", [{"contentBytes": "YQ=="}, {"name": "a", "contentBytes": "?"}]
)
def test_a_file_without_a_name_or_base64_is_refused(sandbox, token, draft, attachment):
    path = f"/me/messages/{draft['id']}/attachments"
    assert graph(sandbox, "POST", path, token, json=attachment).status_code == 400


def test_only_an_immutable_id_finds_the_sent_copy(sandbox, token):
    found = []
    for headers in ({}, {"Prefer": 'IdType="ImmutableId"'}):
        draft = mime_draft(sandbox, token, **headers)
        path = f"/me/messages/{draft['id']}"
        graph(sandbox, "POST", f"{path}/send", token)
        found.append(graph(sandbox, "GET", path, token))
    assert [answer.status_code for answer in found] == [404, 200]
    assert found[1].json()["parentFolderId"] == "sentitems"
    assert found[1].json()["bccRecipients"][0]["emailAddress"]["address"] == "b@x"


def test_drafts_count_as_requests_and_not_as_mails(sandbox, token, draft):
    sandbox.settings(limits=True, exchange_messages_per_minute=1)
    send_mime(sandbox, token, mail(ERP))
    path = f"/me/messages/{draft['id']}"
    attachment = {"name": "a.txt", "contentBytes": "YQ=="}
    assert graph(sandbox, "POST", "/me/messages", token, json=DRAFT).status_code == 201
    assert graph(sandbox, "POST", f"{path}/attachments", token, json=attachment).ok
    assert graph(sandbox, "POST", f"{path}/send", token).status_code == 429
    sandbox.settings(graph_requests_per_ten_minutes=4)
    assert graph(sandbox, "POST", f"{path}/attachments", token, json=attachment).status_code == 429
    assert session_for(sandbox, token, draft, 4 * MEGABYTE).status_code == 429


def test_small_files_do_not_use_a_session_and_large_ones_are_limited(sandbox, token, draft):
    small = session_for(sandbox, token, draft, 2 * MEGABYTE)
    code = small.json()["error"]["code"]
    assert (small.status_code, code) == (400, "ErrorAttachmentSizeShouldNotBeLessThanMinimumSize")
    assert session_for(sandbox, token, draft, 151 * MEGABYTE).status_code == 413


def test_a_session_on_a_shared_mailbox_is_refused(sandbox, token):
    base = f"/users/{SHARED}"
    draft = graph(sandbox, "POST", f"{base}/messages", token, json=DRAFT).json()
    assert session_for(sandbox, token, draft, 4 * MEGABYTE, base).status_code == 403


def test_drafts_need_their_own_permission(sandbox):
    response = graph(sandbox, "POST", "/me/messages", graph_token(sandbox), json=DRAFT)
    assert (response.status_code, response.json()["error"]["code"]) == (403, "ErrorAccessDenied")


def test_a_mime_draft_can_be_replaced_and_deleted(sandbox, token):
    headers = {"Content-Type": "text/plain"}

    def encoded(text):
        return base64.b64encode(mail(ERP, Subject=text))

    made = graph(sandbox, "POST", "/me/messages", token, data=encoded("One"), headers=headers)
    path = f"/me/messages/{made.json()['id']}"
    assert made.status_code == 201
    graph(sandbox, "PUT", f"{path}/$value", token, data=encoded("Two"), headers=headers)
    assert graph(sandbox, "GET", path, token).json()["subject"] == "Two"
    changed = graph(sandbox, "PATCH", path, token, json={"subject": "Three"})
    assert changed.json()["subject"] == "Three"
    assert graph(sandbox, "DELETE", path, token).status_code == 204
    assert graph(sandbox, "GET", f"{path}/$value", token).status_code == 404


@pytest.mark.parametrize(
    "query, subjects",
    [
        ("", ["3", "2", "1"]),
        ("$top=2", ["3", "2"]),
        ("$filter=subject eq '2'", ["2"]),
        ("$filter=subject ne '2' and isDraft eq true", ["3", "1"]),
        ("$filter=createdDateTime lt 2020-01-01T00:00:00Z", []),
    ],
)
def test_messages_are_listed_newest_first_and_filtered(sandbox, token, query, subjects):
    for number in "123":
        graph(sandbox, "POST", "/me/messages", token, json={**DRAFT, "subject": number})
    answer = graph(sandbox, "GET", f"/me/messages?{query}", token).json()
    assert [message["subject"] for message in answer["value"]] == subjects
    assert ("@odata.nextLink" in answer) == ("$top" in query)


@pytest.mark.parametrize("text", ["nonsense", "subject eq '1' or isDraft eq true", "size gt 1"])
def test_a_filter_that_is_not_understood_is_refused(sandbox, token, text):
    response = graph(sandbox, "GET", f"/me/messages?$filter={text}", token)
    assert (response.status_code, response.json()["error"]["code"]) == (400, "BadRequest")
