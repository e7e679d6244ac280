"""For any headers and any envelope: Graph delivers to the envelope, to each once."""

import smtplib
from email import message_from_bytes
from email.utils import getaddresses

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mail_server_oauth2.transport import addresses
from mail_server_oauth2.transport.addresses import is_address
from mail_server_oauth2.transport.envelope import to_graph_mime
from test_transport_envelope import Message, delivered, header_addresses, mail

ADDRESSES = st.builds(
    "{}@{}".format,
    st.sampled_from(["ann", "Ann", "bob", "b.ob", "o'neil", "x+y", "a_b", "cat", "n..o"]),
    st.sampled_from(["fabrikam.example", "FABRIKAM.example", "xn--mller-kva.example", "x.example"]),
)
SHOWN = ADDRESSES.map(lambda address: address.replace("xn--mller-kva", "müller"))
TEXT = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Cn", "Zl", "Zp"))
    | st.sampled_from('",;:<>()@[]\\= ?'),
    max_size=90,
)


def quoted(name):
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


MAILBOXES = SHOWN | st.builds(lambda name, address: f"{quoted(name)} <{address}>", TEXT, SHOWN)
GROUPS = st.lists(MAILBOXES, max_size=2).map(lambda members: f"Team: {', '.join(members)};")
#: as one string, and as the list of strings that Odoo core sets
HEADERS = st.lists(MAILBOXES | GROUPS, max_size=5).map(", ".join) | st.lists(
    MAILBOXES, min_size=1, max_size=5
)


def same(addresses):
    return sorted(address.casefold() for address in addresses)


@settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(to=HEADERS, cc=HEADERS, envelope=st.lists(ADDRESSES, min_size=1, max_size=6))
def test_delivered_by_header_is_the_envelope_each_once(to, cc, envelope):
    mime = to_graph_mime(mail(To=to, Cc=cc), envelope)
    once = same({address.casefold() for address in envelope})
    assert same(delivered(mime)) == once
    parsed = [a for name in ("To", "Cc", "Bcc") for _n, a in header_addresses(mime, name)]
    assert same(parsed) == once


@settings(max_examples=100, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(to=st.text(max_size=120), envelope=st.lists(ADDRESSES, min_size=1, max_size=3))
def test_no_header_however_broken_changes_who_gets_the_mail(to, envelope):
    message = Message()
    message["To"] = to.replace("\r", " ").replace("\n", " ")
    message.set_payload("Hello\n")
    once = same({address.casefold() for address in envelope})
    assert same(delivered(to_graph_mime(message, envelope))) == once


@settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(people=st.lists(st.tuples(TEXT, ADDRESSES), min_size=1, max_size=4))
def test_no_display_name_makes_a_reply_go_elsewhere(people):
    value = ", ".join(f"{quoted(name)} <{address}>" for name, address in people)
    mime = message_from_bytes(to_graph_mime(mail(Reply_To=value), ["a@b.example"]))
    assert [address for _name, address in getaddresses([mime["Reply-To"]])] == [
        address for _name, address in people
    ]


@settings(max_examples=300, deadline=None, database=None)
@given(address=st.from_regex(addresses._ADDRESS, fullmatch=True))
def test_address_means_the_same_to_every_reader(address):
    assert is_address(address)
    assert smtplib.quoteaddr(address) == f"<{address}>"
    assert getaddresses([f'"name" <{address}>, {address}']) == [("name", address), ("", address)]
