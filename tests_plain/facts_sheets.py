"""Reads the names of errors out of the sheets of facts about Microsoft and Google.

The sheets are Markdown and no part of the repository. Where they lie beside the checkout, the
list of known errors (``known_errors.csv``) is compared with them; where not, the list stands
for them.
"""

from __future__ import annotations

import re
from pathlib import Path

#: where the sheets lie beside a checkout
SHEETS = Path(__file__).resolve().parent.parent.parent / "shared" / "facts"

_SNAKE = re.compile(r"(?<![\w./?])[a-z]+(?:_[a-z]+)+(?![\w=/?])")
_CAMEL = re.compile(r"\b[A-Z][a-z]+(?:[A-Z]+[a-z\d]*)+\b")
#: names of fields beside those of errors
_NO_ERRORS = {"error_subtype", "error_description", "usageLimits"}
_UPPER = re.compile(r"\b[A-Z]+(?:_[A-Z]+)+\b")
_REASON = re.compile(r"\b[a-z]+(?:[A-Z][a-z]+)+\b")
_SMTP = re.compile(
    r"\b(?P<code>[45]\d\d)\b(?!\.)|(?<![\d.])(?P<enhanced>[45]\.\d\.\d{1,3}(?:-\d{3})?)"
)


def are_here():
    """Whether the sheets lie beside this checkout."""
    return (SHEETS / "microsoft.md").is_file() and (SHEETS / "google.md").is_file()


def read_errors():
    """Return ``{(family, name)}`` of every error the sheets name."""
    microsoft = (SHEETS / "microsoft.md").read_text(encoding="utf-8")
    google = (SHEETS / "google.md").read_text(encoding="utf-8")
    return {
        *_named("aadsts", _aadsts(microsoft)),
        *_named("entra", _entra(microsoft)),
        *_named("suberror", _snake(_line(microsoft, "suberrors:").partition(". ")[0])),
        *_named("graph", _graph(microsoft)),
        *_named("exchange", _exchange(microsoft)),
        *_named("google", _google(google)),
        *_named("gmail", _smtp_names(_first_cells(_between(google, "**Replies**", "## 5.")))),
        *_named("gmail_api", _gmail_api(google)),
    }


def _named(family, names):
    return {(family, name) for name in names}


def _aadsts(text):
    rows = _first_cells(_between(text, "## 3. AADSTS", "## 4."))
    numbers = re.findall(r"\b\d{5,7}\b", rows)
    return {*numbers, *re.findall(r"AADSTS(\d{5,7})", text)}


def _entra(text):
    """Values of ``error``, which the sheet lists after "∈" or in the rows of two other flows."""
    lists = re.findall(r"`error` ∈ ([a-z_, ]+)", text)
    device = _line(text, "| poll errors")
    consent = re.findall(r"error `?=?([a-z]+_[a-z]+)`?", _line(text, "| adminconsent GET"))
    return {*_snake(" ".join(lists)), *_snake(device), *consent}


def _graph(text):
    rows = _between(text, "### 4.3 Errors", "### 4.4").splitlines()
    cells = " ".join(row.split("|")[2] for row in rows if row.count("|") > 3)
    cells = cells.replace("InvalidInternetMessageHeader*", "")
    sending = _between(text, "### 4.1 Sending", "### 4.2")
    headers = re.findall(r"InvalidInternetMessageHeader\w*", sending)
    return {*_CAMEL.findall(_without_sentences(cells)), *headers, "insufficient_claims"}


def _exchange(text):
    rows = _first_cells(_between(text, "### 5.3 Replies", "### 5.4"))
    relay = _line(text, "| errors |")
    others = _between(text, "### 5.1", "### 5.3").partition("HVE:")[2][:40]
    limits = " ".join(re.findall(r"\(550 5\.5\.105\)", _line(text, "### 5.4")))
    return _smtp_names(rows, relay, others, limits) | {*re.findall(r"\b[A-Z]\w+Exception\b", rows)}


def _google(text):
    pages = _first_cells(_between(text, "**Errors shown by the authorize page**", "## 2."))
    accounts = _first_cells(_between(text, "| HTTP error / description", "## 8."))
    others = (_line(text, "| tokeninfo |"), _line(text, "| device code |"))
    answers = [row.split("|")[5] for row in others]
    bare = re.sub(r'["=`]', " ", pages + accounts + " ".join(answers))
    return _snake(bare + _line(text, "DPoP header")) - _NO_ERRORS


def _gmail_api(text):
    rows = _first_cells(_between(text, "| HTTP, reason | message", "## 7."))
    alone = re.findall(r"\b(?:413|429|50\d)\b", rows)  # the others come with a reason
    return {*_REASON.findall(rows), *alone, *_UPPER.findall(rows)} - _NO_ERRORS


def _smtp_names(*texts):
    """Return ``"550 5.1.1"`` for each reply; codes before a slash share what follows them."""
    names = set()
    for line in "\n".join(texts).splitlines():
        codes, is_fresh = [], False
        for match in _SMTP.finditer(line):
            if match["code"]:
                codes = [*codes, match["code"]] if is_fresh else [match["code"]]
                is_fresh = True
            else:
                names |= {f"{code} {match['enhanced']}" for code in codes or ["5xx"]}
                is_fresh = False
    return names


def _without_sentences(text):
    """Return Markdown without what stands in backticks and has blanks: a provider's sentences."""
    parts = text.split("`")
    return " ".join(part for number, part in enumerate(parts) if number % 2 == 0 or " " not in part)


def _snake(text):
    return set(_SNAKE.findall(text))


def _line(text, start):
    """Return the line that begins so."""
    return next(line for line in text.splitlines() if line.startswith(start))


def _between(text, start, end):
    return text.partition(start)[2].partition(end)[0]


def _first_cells(table):
    rows = [line for line in table.splitlines() if line.startswith("| ")]
    return "\n".join(row.split("|")[1] for row in rows)
