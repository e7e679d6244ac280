"""The error catalogue has good words for every error that the code can raise."""

import ast
import importlib
import re
from collections import Counter
from pathlib import Path

import pytest
from mail_server_oauth2 import exceptions
from mail_server_oauth2.recognition import looked_up

from scripts import error_page

ROOT = Path(__file__).resolve().parent.parent
PLAIN_LAYERS = ("providers", "transport")
LAYERS = (*PLAIN_LAYERS, "models", "controllers", "wizard")

#: Entries that no code raises: providers show or send them, and people look them up.
LOOKED_UP = looked_up.KEYS | {
    "aadsts_unknown",
    "entra_authorization_pending",
    "found_in_sent_items",  # written into the history of attempts
    "not_in_sent_items",
    "text_not_recognised",
}

#: What a session adds to the details of every error that leaves it, by the module's name.
SMTP_DETAILS = frozenset({"mailbox", "host", "port"})
GRAPH_DETAILS = frozenset({"mailbox"})
SESSION_DETAILS = {
    "transport.connection_errors": SMTP_DETAILS,
    "transport.envelope": GRAPH_DETAILS,
    "transport.graph": GRAPH_DETAILS,
    "transport.graph_draft": GRAPH_DETAILS,
    "transport.graph_replies": GRAPH_DETAILS,
    "transport.graph_sent_items": GRAPH_DETAILS,
    "transport.graph_upload": GRAPH_DETAILS,
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


def test_no_entry_is_left_over():
    assert set(CATALOGUE) - set(ORIGINS) - LOOKED_UP == set()


def test_every_text_that_is_looked_up_has_an_entry():
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
        assert (entry.remedy % Unnamed(error_page.SHARED_SENTENCES)).endswith(".")
        assert entry.who in {"user", "mail_admin", "tenant_admin", "implementer"}

    def test_is_formatted_with_any_details(self, entry):
        for text in (entry.cause, entry.remedy, entry.command):
            assert "%" not in PLACEHOLDER.sub("", text).replace("%%", "")
            assert "%(" not in text % Unnamed()

    def test_uses_only_details_that_come_with_the_key(self, entry):
        texts = (entry.cause, entry.remedy, entry.command, entry.link)
        used = set(PLACEHOLDER.findall(" ".join(texts)))
        # What nothing raises belongs to a session, which knows its mailbox, or to a number.
        passed = DETAILS.get(entry.key, set()) if entry.key in ORIGINS else {"mailbox", "number"}
        assert used <= passed | set(error_page.SHARED_SENTENCES)

    def test_is_written_calmly_in_whole_lines(self, entry):
        for text in (entry.cause, entry.remedy, entry.command):
            assert text == " ".join(text.split())
        assert "!" not in entry.cause + entry.remedy


def test_the_page_names_people_as_the_screens_do():
    model = SOURCES["models.mail_oauth2_error"]
    (field,) = assigned("who", model)
    assert dict(ast.literal_eval(field.args[0])) == error_page.WHO


def test_the_page_has_the_screens_sentences():
    """The last of the two that the model returns: what is not about an employee's own mailbox."""
    answers = returned("_sentences_of_remedies", SOURCES["models.mail_oauth2_error"])
    sentences = max(answers, key=lambda node: node.lineno)
    keys = [key.value for key in sentences.keys]
    texts = [call.args[0].value for call in sentences.values]
    assert dict(zip(keys, texts, strict=True)) == error_page.SHARED_SENTENCES


def test_shared_sentences_are_not_written_out():
    written = [
        entry.key
        for entry in ENTRIES
        for sentence in error_page.SHARED_SENTENCES.values()
        if sentence in entry.remedy
    ]
    assert written == []


def test_the_page_is_up_to_date():
    assert error_page.main(["--check"]) == 0
