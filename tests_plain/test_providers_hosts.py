"""No field of an app registration may lead a secret to another host."""

import pytest
from mail_server_oauth2.exceptions import ConfigurationError
from mail_server_oauth2.providers import hosts


@pytest.mark.parametrize(
    "url",
    [
        "https://login.microsoftonline.com",
        "https://localhost:8443",
        "https://10.0.0.7:443",
        "https://xn--bcher-kva.example",
        f"https://{'a' * 63}.example",
    ],
)
def test_a_host_with_or_without_port_is_accepted(url):
    assert hosts.check_host_url(url, "authority_url") == url


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "login.microsoftonline.com",
        "http://login.microsoftonline.com",
        "HTTPS://login.microsoftonline.com",
        "ftp://host",
        "https://",
        "https://host/",
        "https://host/path",
        "https://host?query",
        "https://host#fragment",
        "https://user@host",
        "https://user:password@host",
        "https://host@evil.example",
        "https://host\\@evil.example",
        "https://host\nevil.example",
        "https://host\n",
        " https://host",
        "https://ho st",
        "https://host:",
        "https://host:0",
        "https://host:65536",
        "https://host:99999999",
        "https://-host",
        "https://host-",
        "https://a..b",
        "https://host.",
        "https://hóst.example",
        "https://host\uff0eexample",  # a full-width dot
        "https://[::1]",
        f"https://{'a' * 64}.example",
        f"https://{'a.' * 130}example",
        "javascript:alert(1)",
    ],
)
def test_everything_else_is_refused_with_the_field_s_name(url):
    with pytest.raises(ConfigurationError) as caught:
        hosts.check_host_url(url, "authority_url")
    assert caught.value.key == "host_invalid"
    assert caught.value.details["field"] == "authority_url"


@pytest.mark.parametrize(
    ("tenant", "segment"),
    [
        ("common", "common"),
        ("Organizations", "organizations"),
        ("consumers", "consumers"),
        (hosts.CONSUMER_TENANT.upper(), hosts.CONSUMER_TENANT),
        ("contoso.onmicrosoft.com", "contoso.onmicrosoft.com"),
        ("Contoso.Example", "contoso.example"),
    ],
)
def test_known_forms_of_a_tenant_are_accepted(tenant, segment):
    assert hosts.check_tenant(tenant) == segment


@pytest.mark.parametrize(
    "tenant",
    [
        None,
        "",
        "contoso",
        "adfs",
        "dstsv2",
        "../evil",
        "contoso.example/..",
        "contoso.example?x=1",
        "contoso.example#",
        "contoso.example:8443",
        "contoso.example@evil.example",
        "contoso.example\n",
        "contoso .example",
        "%2e%2e.example",
        "{11111111-2222-3333-4444-555555555555}",
        ".example",
        "a." * 130 + "example",
    ],
)
def test_everything_else_is_no_tenant(tenant):
    with pytest.raises(ConfigurationError) as caught:
        hosts.check_tenant(tenant)
    assert caught.value.key == "tenant_invalid"


@pytest.mark.parametrize(
    ("client_id", "key"),
    [
        ("", "client_id_missing"),
        (None, "client_id_missing"),
        ("two words", "client_id_invalid"),
        ("line\nfeed", "client_id_invalid"),
        ("ü", "client_id_invalid"),
        ("x" * 256, "client_id_invalid"),
    ],
)
def test_a_client_id_is_one_printable_word(client_id, key):
    with pytest.raises(ConfigurationError) as caught:
        hosts.check_client_id(client_id)
    assert caught.value.key == key
