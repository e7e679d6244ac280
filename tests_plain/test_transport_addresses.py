"""What is an address, and headers that mean the same to every reader."""

import pytest
from mail_server_oauth2.transport.addresses import is_address


@pytest.mark.parametrize(
    "text",
    ["a@b.example", '"odd local"@b.example', "a..b@b.example", "zoë@b.example"],
)
def test_address_is_an_address(text):
    assert is_address(text)


@pytest.mark.parametrize(
    "text",
    ["", "a", "a@", "@b", "a,b@c", "a b@c", "a@b>", "<a@b>", "a@b\r\nBcc: c@d", "a@b@c", "a@b;c",
     "A <a@b>", '"a\r\n"@b', "a@b ", "a(b)@c", "a\x00@b", "a@[192.0.2.1]"],
)  # fmt: skip
def test_what_could_name_somebody_else_is_no_address(text):
    assert not is_address(text)
