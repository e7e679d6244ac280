"""The errors that providers are known to answer with: the list, and a text that shows each."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import NamedTuple

_LIST = Path(__file__).with_name("known_errors.csv")
_SAMPLES = Path(__file__).with_name("error_samples.txt")
_TRACE = "4f1b2c3d-aaaa-bbbb-cccc-0123456789ab"


class KnownError(NamedTuple):
    """One error of a provider.

    :ivar family: ``aadsts``, ``entra``, ``suberror``, ``graph``, ``exchange``, ``google``,
        ``gmail``, ``gmail_api``
    :ivar name: number, value of ``error``, reply code, …
    :ivar words: what has to stand beside the name, mostly nothing
    :ivar key: entry of the error catalogue that it reaches
    :ivar source: page that names it
    """

    family: str
    name: str
    words: str
    key: str
    source: str

    def text(self):
        """Return a short text as the provider writes this error."""
        return _WRITERS[self.family](self.name, self.words)


def read_list():
    """Return the known errors in the order of the file."""
    with _LIST.open(encoding="utf-8", newline="") as file:
        return [KnownError(**row) for row in csv.DictReader(file)]


def read_samples():
    """Return ``{key: text}``: for each entry a text as people find it."""
    blocks = _SAMPLES.read_text(encoding="utf-8").split("=== ")[1:]
    pairs = [block.partition("\n") for block in blocks]
    return {key: text.rstrip("\n") for key, _newline, text in pairs}


def _entra(name, _words):
    return json.dumps({"error": name, "error_description": "", "trace_id": _TRACE})


def _suberror(name, _words):
    return json.dumps({"error": "invalid_grant", "suberror": name, "trace_id": _TRACE})


def _graph(name, words):
    inner = {"request-id": _TRACE}
    return json.dumps({"error": {"code": name, "message": words, "innerError": inner}})


def _exchange(name, words):
    first = re.sub(r"-\d+$", "", name).removeprefix("5xx ")
    return f"{first} {words or 'Refused'} [x.prod.outlook.com]"


def _google(name, _words):
    answer = {"error": name}
    if name in ("invalid_rapt", "rapt_required"):
        answer = {"error": "invalid_grant", "error_subtype": name}
    return f"https://oauth2.googleapis.com: {json.dumps(answer)}"


def _gmail_api(name, _words):
    if name.isdigit():
        return f"https://gmail.googleapis.com answered HTTP {name}"
    return json.dumps({"error": {"errors": [{"domain": "global", "reason": name}]}})


_WRITERS = {
    "aadsts": lambda name, words: f"AADSTS{name}: {words or 'Refused.'}",
    "entra": _entra,
    "suberror": _suberror,
    "graph": _graph,
    "exchange": _exchange,
    "google": _google,
    "gmail": lambda name, words: f"{name} {words or 'Refused'} abc - gsmtp",
    "gmail_api": _gmail_api,
}
