"""Looking a mail up in Sent Items.

https://learn.microsoft.com/graph/api/user-list-messages
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from dateutil.parser import isoparse

from ..exceptions import UnreachableError
from .envelope import normalised
from .graph_replies import Answer, classify_unsent

#: Clocks differ: a copy may seem to be from a little before the mail was handed over.
CLOCK_SKEW = timedelta(minutes=2)

_RECIPIENTS = ("toRecipients", "ccRecipients", "bccRecipients")
_PAGE = 50
#: Pages that are read at most; more mails with one Message-ID are somebody's mistake.
_PAGES = 40


def recipients_of(
    http, token, mailbox_url: str, message_id: str, since: datetime | None
) -> set[str]:
    """Return to whom a mail went, see :func:`.envelope.normalised`.

    :param http: :class:`.graph_http.GraphHttp`
    :param message_id: with its angle brackets
    :param since: aware, or naive UTC; copies from before do not count. ``None``: all do
    :raises MailOAuth2Error:
    """
    found: set[str] = set()
    since = since.replace(tzinfo=since.tzinfo or UTC) if since else None
    url = f"{mailbox_url}/mailFolders/sentitems/messages"
    quoted = message_id.replace("'", "''")
    query = {
        "$filter": f"internetMessageId eq '{quoted}'",
        "$select": ",".join(("internetMessageId", "sentDateTime", *_RECIPIENTS)),
        "$top": str(_PAGE),
    }
    for _page in range(_PAGES):
        answer = http.request("GET", url, token=token, params=query)
        if answer.status != 200 or not isinstance(answer.content.get("value"), list):
            raise classify_unsent(answer)
        for copy in answer.content["value"]:
            if _counts(copy, message_id, since):
                found |= _people(copy)
        url, query = _next_page(answer, mailbox_url), None
        if not url:
            break
    return found


def _next_page(answer: Answer, mailbox_url) -> str:
    """Return the address of the next page; the token goes to no other host."""
    url = answer.text("@odata.nextLink")
    if url and urlsplit(url)[:2] != urlsplit(mailbox_url)[:2]:
        raise UnreachableError("graph_unexpected_answer", provider_text=str(answer))
    return url


def _counts(copy, message_id, since) -> bool:
    if not isinstance(copy, dict) or copy.get("internetMessageId") != message_id:
        return False
    return since is None or _sent_at(copy) >= since - CLOCK_SKEW


def _sent_at(copy) -> datetime:
    try:
        return isoparse(copy["sentDateTime"])
    except (KeyError, TypeError, ValueError) as error:
        raise UnreachableError("graph_unexpected_answer") from error


def _people(copy) -> set[str]:
    people = [person for name in _RECIPIENTS for person in copy.get(name) or ()]
    addresses = (person.get("emailAddress", {}).get("address") for person in people)
    return {normalised(address) for address in addresses if isinstance(address, str)}
