"""Server types, presets, and the price of importing them."""

import subprocess
import sys
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest
from mail_server_oauth2 import providers
from mail_server_oauth2.exceptions import ConfigurationError
from mail_server_oauth2.providers import hosts
from mail_server_oauth2.providers.clouds import FIELDS, clouds_of, preset

HEAVY = ("msal", "google.auth", "google_auth_oauthlib", "oauthlib", "requests", "urllib3", "jwt")


def loaded_after(statements):
    code = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import conftest\n"
        f"{statements}\n"
        f"print(*[name for name in {HEAVY!r} if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_importing_the_registry_loads_no_oauth_library():
    names = "hosts, clouds, base, network_errors, retry_after, redaction"
    assert not loaded_after(f"from mail_server_oauth2.providers import {names}")


def test_a_provider_loads_its_own_library_only():
    loaded = loaded_after(
        "from mail_server_oauth2.providers import AppRegistration, provider_for\n"
        "provider_for('microsoft', AppRegistration('client'))"
    )
    assert "msal" in loaded
    assert not loaded & {"google.auth", "google_auth_oauthlib"}


def test_every_server_type_names_a_provider_that_exists():
    assert set(providers.SERVER_TYPES) == {
        "oauth2_microsoft_smtp",
        "oauth2_microsoft_graph",
        "oauth2_google_smtp",
    }
    for code, server_type in providers.SERVER_TYPES.items():
        assert server_type.code == code
        assert server_type.provider in providers.PROVIDERS
        assert server_type.transport in ("smtp", "graph")


@pytest.mark.parametrize(
    ("code", "shared", "read_write", "resource"),
    [
        ("oauth2_microsoft_graph", False, False, "graph"),
        ("oauth2_microsoft_graph", True, False, "graph_shared"),
        ("oauth2_microsoft_graph", False, True, "graph_read_write"),
        ("oauth2_microsoft_graph", True, True, "graph_shared_read_write"),
        ("oauth2_microsoft_smtp", True, True, "smtp"),
        ("oauth2_google_smtp", True, True, "smtp"),
    ],
)
def test_a_server_type_asks_for_no_more_than_is_needed(code, shared, read_write, resource):
    kind = providers.SERVER_TYPES[code]
    assert kind.resource_for(shared=shared, read_write=read_write) == resource
    assert kind.resource_for(shared=shared) == kind.resource_for(shared=shared, read_write=False)


def test_a_server_type_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        providers.SERVER_TYPES["oauth2_google_smtp"].provider = "microsoft"


@pytest.mark.parametrize("code", providers.PROVIDERS)
def test_a_provider_carries_its_code(code):
    provider = providers.provider_for(code, providers.AppRegistration("client"))
    assert provider.code == code
    assert providers.UNUSED_GRANT_DAYS[code] >= 90


PRESETS = [(code, name) for code in providers.PROVIDERS for name in clouds_of(code)]


@pytest.mark.parametrize(("provider", "cloud"), PRESETS)
def test_every_preset_is_complete_and_passes_our_own_checks(provider, cloud):
    values = preset(provider, cloud)
    assert tuple(values) == FIELDS
    for field in ("authority_url", "api_url", "mail_scope_url"):
        hosts.check_host_url(values[field], field)
    if provider == "google":
        hosts.check_host_url(values["token_url"], "token_url")
    assert values["smtp_host"]
    assert values["smtp_port"] == 587


def test_clouds_differ_in_every_host_that_serves_them_alone():
    for field in ("api_url", "smtp_host"):
        hosts_of_field = [preset("microsoft", cloud)[field] for cloud in clouds_of("microsoft")]
        assert len(set(hosts_of_field)) == 4  # custom starts as a copy of worldwide


def test_a_preset_belongs_to_its_caller():
    preset("google", "worldwide")["smtp_host"] = "changed.example"
    assert preset("google", "worldwide")["smtp_host"] == "smtp.gmail.com"


@pytest.mark.parametrize(("provider", "cloud"), [("google", "china"), ("yahoo", "worldwide")])
def test_an_unknown_cloud_is_a_configuration_error(provider, cloud):
    with pytest.raises(ConfigurationError) as caught:
        preset(provider, cloud)
    assert caught.value.key == "cloud_unknown"
