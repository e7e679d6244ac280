"""The catalogue can rely on the published keys."""

import ast
from pathlib import Path

from mail_server_oauth2 import exceptions, transport
from mail_server_oauth2.transport.keys import KEYS

ERRORS = {name for name, kind in vars(exceptions).items() if isinstance(kind, type)}


def raised_keys():
    for path in Path(transport.__path__[0]).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ERRORS:
                yield from (a.value for a in node.args if isinstance(a, ast.Constant))


def test_every_key_written_in_the_source_is_published():
    assert set(raised_keys()) <= KEYS


def test_default_key_of_an_unknown_delivery_is_published():
    assert exceptions.DeliveryUnknownError().key in KEYS
