"""Write ``docs/errors.md`` from the error catalogue.

``python3 -m scripts.error_page`` writes the page; with ``--check`` it only says, by its exit
code, whether the page is up to date.
"""

import argparse
import re
import sys
from collections import namedtuple
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
CATALOGUE = ROOT / "data" / "mail_oauth2_error_data.xml"
PAGE = ROOT / "docs" / "errors.md"

#: One entry of the catalogue; every field is a string, empty where the entry has none.
Entry = namedtuple("Entry", "section xml_id key cause remedy who command link")

_FIELDS = ("key", "cause", "remedy", "who", "command", "link")

#: the same words as on the screens: ``who`` of ``models/mail_oauth2_error.py``
WHO = {
    "user": "The person who signs in or sends",
    "mail_admin": "Administrator of your mail system",
    "tenant_admin": "Administrator of your organisation at Microsoft or Google",
    "implementer": "Whoever looks after Odoo",
}

#: sentences that stand behind a placeholder of their own; the screens of employees have others:
#: ``_sentences_of_remedies`` of ``models/mail_oauth2_error.py``
SHARED_SENTENCES = {
    "sign_in_again": (
        "Press Authenticate on the company form, page Email Server, and sign in again."
    ),
    "check": "Then press Status on the company form, page Email Server.",
}

_MARKUP = re.compile(r"%\(\w+\)s|[\\*_<]")

_HEAD = """\
# Errors

What each error means and what to do. Odoo shows the same words, in the reader's language, on the
company form, at the failed mail and where a sign-in ends. Words in *italics* stand for a value
that Odoo fills in.

Any text with an error in it is looked up by Odoo itself: *Settings, Technical, Email, Explain an
Error*.

Made from `data/mail_oauth2_error_data.xml` by `python3 -m scripts.error_page`: edit that file,
not this one.
"""


def read_catalogue(path=CATALOGUE):
    """Return the entries in the order of the file; a comment opens a section."""
    builder = ElementTree.TreeBuilder(insert_comments=True)
    root = ElementTree.parse(path, ElementTree.XMLParser(target=builder)).getroot()
    section, entries = "", []
    for node in root:
        if node.tag is ElementTree.Comment:
            section = node.text.strip()
        else:
            entries.append(_entry(section, node))
    return entries


def render(entries):
    """Return the page as Markdown."""
    parts, section = [_HEAD], ""
    for entry in entries:
        if entry.section != section:
            section = entry.section
            parts.append(f"## {section}\n")
        parts.append(_render_entry(entry))
    return "\n".join(parts)


def main(arguments=None):
    """Write or check the page and return the exit code."""
    parser = argparse.ArgumentParser(prog="python3 -m scripts.error_page")
    parser.add_argument("--check", action="store_true", help="only compare")
    options = parser.parse_args(arguments)
    page = render(read_catalogue())
    if options.check:
        return _check(page)
    PAGE.write_text(page, encoding="utf-8")
    return 0


def _entry(section, node):
    values = dict.fromkeys(_FIELDS, "")
    values |= {field.get("name"): field.text or "" for field in node.iter("field")}
    return Entry(section=section, xml_id=node.get("id"), **values)


def _render_entry(entry):
    lines = [f"### {entry.key}", "", _prose(entry.cause), ""]
    lines += [f"**What to do:** {_prose(entry.remedy)}"]
    if entry.command:
        lines += ["", "```", entry.command % _Placeholders("<{}>"), "```"]
    lines += ["", f"Who can help: {WHO[entry.who]}."]
    if entry.link:
        lines[-1] += f" [More]({entry.link % _Placeholders('{}')})"
    return "\n".join(lines) + "\n"


def _prose(text):
    """Escape what Markdown would read as markup, and show placeholders in italics."""
    return _MARKUP.sub(_escaped, text) % _Placeholders("*{}*")


def _escaped(match):
    return match[0] if match[0].startswith("%(") else f"\\{match[0]}"


class _Placeholders(dict):
    """Shows the name of a placeholder in place of its value, and the shared sentences."""

    def __init__(self, form):
        super().__init__(SHARED_SENTENCES)
        self._form = form

    def __missing__(self, name):
        return self._form.format(name.replace("_", " "))


def _check(page):
    if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == page:
        return 0
    sys.stderr.write("docs/errors.md is out of date: run python3 -m scripts.error_page\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
