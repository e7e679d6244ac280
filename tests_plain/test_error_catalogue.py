"""The error catalogue has good words for every error that the code can raise."""

import ast
import importlib
import re
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from mail_server_oauth2 import exceptions

from scripts import error_page

ROOT = Path(__file__).resolve().parent.parent
PLAIN_LAYERS = ("providers", "transport")
LAYERS = (*PLAIN_LAYERS, "models", "controllers", "wizard")

#: Numbers that Entra ID is known to answer a mail client with.
#: https://learn.microsoft.com/entra/identity-platform/reference-error-codes, and payloads seen
# fmt: off
AADSTS_NUMBERS = (
    28002, 28003, 50011, 50013, 50020, 50034, 50053, 50055, 50056, 50057, 50058, 50059, 50072,
    50074, 50076, 50078, 50079, 50085, 50089, 50105, 50126, 50128, 50131, 50132, 50133, 50140,
    50148, 50158, 50173, 50194, 50196, 50199, 53000, 53001, 53002, 53003, 53004, 54005, 65001,
    65004, 70000, 70001, 70002, 70008, 70011, 70016, 70018, 70020, 70043, 90002, 90008, 90009,
    90013, 90014, 90019, 90023, 90033, 90038, 90055, 90072, 90094, 90095, 500011, 500133, 500137,
    501481, 530003, 530032, 530034, 530035, 650052, 650056, 650057, 700016, 700020, 700022,
    700025, 700027, 700030, 700082, 700084, 900023, 900144, 900382, 900432, 900561, 901002,
    7000112, 7000215, 7000218, 7000222, 9001023, 9002313,
)
# fmt: on

#: Entries that no code raises: providers show or send them, and people look them up.
LOOKED_UP = frozenset(
    {
        # written into the history of attempts
        "found_in_sent_items",
        "not_in_sent_items",
        # shown by Google's page, which never comes back
        # https://support.google.com/accounts/answer/16668185
        "google_app_not_verified",
        "google_disallowed_useragent",
        # service accounts
        # https://developers.google.com/identity/protocols/oauth2/service-account
        "google_invalid_grant_clock",
        "google_invalid_grant_signature",
        "google_invalid_grant_unknown_user",
        # Gmail API: https://developers.google.com/workspace/gmail/api/guides/handle-errors
        "gmail_api_bad_request",
        "gmail_api_concurrency",
        "gmail_api_disabled",
        "gmail_api_domain_policy",
        "gmail_api_mail_service_off",
        "gmail_api_project_limit",
        "gmail_api_scope_missing",
        "gmail_api_sending_limit",
        "gmail_api_token_refused",
        "gmail_api_unavailable",
        "gmail_api_user_rate_limit",
        # device code: https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code
        "entra_authorization_pending",
        # https://learn.microsoft.com/entra/identity-platform/v2-admin-consent
        "entra_permission_denied",
        # drafts: https://learn.microsoft.com/graph/errors
        "graph_item_not_found",
        # direct send and relay
        # https://learn.microsoft.com/exchange/mail-flow-best-practices/non-delivery-reports-in-exchange-online
        "smtp_direct_send_refused",
        "smtp_ip_banned",
        "smtp_recipient_access_denied",
        "smtp_relay_denied",
    }
)

#: What a session adds to the details of every error that leaves it, by the module's name.
SMTP_DETAILS = frozenset({"mailbox", "host", "port"})
GRAPH_DETAILS = frozenset({"mailbox"})
SESSION_DETAILS = {
    "transport.connection_errors": SMTP_DETAILS,
    "transport.envelope": GRAPH_DETAILS,
    "transport.graph": GRAPH_DETAILS,
    "transport.graph_replies": GRAPH_DETAILS,
    "transport.serialisation": GRAPH_DETAILS,
    "transport.session": GRAPH_DETAILS,
    "transport.smtp": SMTP_DETAILS,
    "transport.smtp_auth": SMTP_DETAILS,
    "transport.smtp_replies": SMTP_DETAILS,
    "transport.smtp_transaction": SMTP_DETAILS,
}

#: Details of the errors that a module raises with a computed key.
COMPUTED_KEYS = {
    "providers.google_errors": (r"google_\w+", {"error"}),
    "providers.http_session": (r"\w+", {"host", "port"}),
    "providers.id_token": (r"id_token_(issuer|tenant)", {"found"}),
    "providers.microsoft_errors": (r"(aadsts|entra)_\w+", {"error", "suberror"}),
    "transport.connection_errors": (r"\w+", SMTP_DETAILS),
    "transport.graph_replies": (r"\w+", GRAPH_DETAILS),
    "transport.smtp_replies": (r"\w+", SMTP_DETAILS),
}

LINK_HOSTS = {
    "aka.ms",
    "developers.google.com",
    "knowledge.workspace.google.com",
    "learn.microsoft.com",
    "support.google.com",
}

PLACEHOLDER = re.compile(r"%\((\w+)\)s")

ENTRIES = error_page.read_catalogue()
CATALOGUE = {entry.key: entry for entry in ENTRIES}


class Unnamed(dict):
    """The values of a sentence where the error has no details at all."""

    def __missing__(self, key):
        return "…"


# --- what the code can raise -----------------------------------------------------------------


def error_classes():
    found, waiting = {}, [exceptions.MailOAuth2Error]
    while waiting:
        kind = waiting.pop()
        found[kind.__name__] = kind
        waiting += kind.__subclasses__()
    return found


CLASSES = error_classes()


def sources():
    """Yield the name and the syntax tree of every module that may raise."""
    for layer in LAYERS:
        for path in sorted((ROOT / layer).glob("*.py")):
            yield f"{layer}.{path.stem}", ast.parse(path.read_text(encoding="utf-8"))


SOURCES = dict(sources())


def declared_keys(name):
    """Return what a module of a plain layer says it raises with."""
    return getattr(importlib.import_module(f"mail_server_oauth2.{name}"), "KEYS", frozenset())


def literal_raises(tree):
    """Yield ``(key, call, function)`` of every ``XError("key", …)``."""
    for function in [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]:
        for call in ast.walk(function):
            if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name)):
                continue
            key = call.args[0] if call.args else None
            if call.func.id in CLASSES and isinstance(key, ast.Constant):
                yield key.value, call, function


def keys_by_origin():
    """Return ``{key: the modules that raise it}``."""
    origins = {}
    for name, tree in SOURCES.items():
        plain = name.partition(".")[0] in PLAIN_LAYERS and not name.endswith("__init__")
        literal = {key for key, _call, _function in literal_raises(tree)}
        for key in literal | (declared_keys(name) if plain else frozenset()):
            origins.setdefault(key, set()).add(name)
    for kind in CLASSES.values():
        origins.setdefault(kind.generic_key, set()).add("exceptions")
    return origins


ORIGINS = keys_by_origin()


# --- which details come with a key -----------------------------------------------------------


def names_in(node, scope, module):
    """Return the keys of the dict that an expression stands for, as far as it can be read.

    :param scope: the function the expression stands in
    """
    if isinstance(node, ast.Dict):
        names = {key.value for key in node.keys if isinstance(key, ast.Constant)}
        parts = [value for key, value in zip(node.keys, node.values, strict=True) if key is None]
    elif isinstance(node, ast.Name):  # a parameter is looked for where callers name it alike
        names, parts = set(), assigned(node.id, scope) or assigned(node.id, module)
    elif isinstance(node, ast.Call):
        called = getattr(node.func, "id", getattr(node.func, "attr", ""))
        names, parts = set(), returned(called, module)
    else:
        names, parts = set(), []
    return names.union(*(names_in(part, scope, module) for part in parts))


def assigned(name, tree):
    """Return the expressions that are assigned to a variable."""
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and any(isinstance(target, ast.Name) and target.id == name for target in node.targets)
    ]


def returned(name, module):
    """Return the expressions that a function of the module returns."""
    return [
        statement.value
        for function in ast.walk(module)
        if isinstance(function, ast.FunctionDef) and function.name == name
        for statement in ast.walk(function)
        if isinstance(statement, ast.Return)
    ]


def details_by_key():
    """Return ``{key: the details that every place passes which raises with it}``."""
    passed = {}

    def note(key, names):
        passed[key] = passed.get(key, names) & names

    for module, tree in SOURCES.items():
        added = SESSION_DETAILS.get(module, frozenset())
        for key, call, function in literal_raises(tree):
            details = [word.value for word in call.keywords if word.arg == "details"]
            note(key, added.union(*(names_in(value, function, tree) for value in details)))
    for module, (pattern, names) in COMPUTED_KEYS.items():
        for key in declared_keys(module):
            if re.fullmatch(pattern, key):
                note(key, set(names))
    return passed


DETAILS = details_by_key()


# --- tests -----------------------------------------------------------------------------------


def test_every_key_the_code_can_raise_has_an_entry():
    missing = {key: sorted(origin) for key, origin in ORIGINS.items() if key not in CATALOGUE}
    assert missing == {}


def test_the_collection_of_keys_sees_every_layer():
    """Guards the test above: a collection that finds nothing would find nothing missing."""
    expected = {
        "aadsts_7000215": "providers.microsoft_errors",
        "authority_moved": "providers.microsoft_http",
        "delivery_unknown": "exceptions",
        "send_as_denied": "transport.smtp_replies",
        "sign_in_state": "controllers.sign_in",
        "token_busy": "models.mail_oauth2_token",
    }
    assert {key: origin for key, origin in expected.items() if origin not in ORIGINS[key]} == {}


@pytest.mark.parametrize("number", AADSTS_NUMBERS)
def test_every_known_aadsts_number_has_an_entry(number):
    assert f"aadsts_{number}" in CATALOGUE


def test_no_entry_is_left_over():
    looked_up = LOOKED_UP | {f"aadsts_{number}" for number in AADSTS_NUMBERS}
    assert set(CATALOGUE) - set(ORIGINS) - looked_up == set()


def test_no_entry_is_called_unused_that_the_code_raises():
    assert LOOKED_UP & set(ORIGINS) == set()
    assert LOOKED_UP - set(CATALOGUE) == set()


def test_keys_and_identifiers_are_unique():
    keys = Counter(entry.key for entry in ENTRIES)
    assert [key for key, count in keys.items() if count > 1] == []
    assert [entry.xml_id for entry in ENTRIES if entry.xml_id != f"error_{entry.key}"] == []


def by_number(key):
    """Sort the numbers in keys as numbers: 53003 before 500011."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", key)]


def test_entries_stand_in_order_within_their_section():
    """Two people who add entries rarely meet in the same line."""
    keys = {}
    for entry in ENTRIES:
        keys.setdefault(entry.section, []).append(entry.key)
    assert keys == {section: sorted(found, key=by_number) for section, found in keys.items()}


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.key)
class TestEntry:
    def test_says_what_happened_what_to_do_and_who(self, entry):
        assert entry.section
        assert entry.cause.endswith(".")
        assert entry.remedy.endswith(".")
        assert entry.who in {"user", "mail_admin", "tenant_admin", "implementer"}

    def test_is_formatted_with_any_details(self, entry):
        for text in (entry.cause, entry.remedy, entry.command):
            assert "%" not in PLACEHOLDER.sub("", text).replace("%%", "")
            assert "%(" not in text % Unnamed()

    def test_uses_only_details_that_come_with_the_key(self, entry):
        used = set(PLACEHOLDER.findall(f"{entry.cause} {entry.remedy} {entry.command}"))
        # What nothing raises yet belongs to a session, which knows its mailbox.
        passed = DETAILS.get(entry.key, set()) if entry.key in ORIGINS else GRAPH_DETAILS
        assert used <= passed

    def test_is_written_calmly_in_whole_lines(self, entry):
        for text in (entry.cause, entry.remedy, entry.command):
            assert text == " ".join(text.split())
        assert "!" not in entry.cause + entry.remedy

    def test_links_to_the_documentation_of_a_provider(self, entry):
        if entry.link:
            parts = urlsplit(entry.link)
            assert (parts.scheme, parts.netloc in LINK_HOSTS) == ("https", True)


def test_the_page_is_up_to_date():
    assert error_page.main(["--check"]) == 0
