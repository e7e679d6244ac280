"""Say what is wrong with the catalogues: ``python3 -m scripts.translation_problems FOLDER``."""

import re
import sys
from pathlib import Path

import polib

from .places import ADDON

#: the languages that every term is there in, beside English
LANGUAGES = ("de", "es", "fr", "nl", "pt", "pt_BR")
_PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\$\{\w+\}")
_TAG = re.compile(r"</?[a-z][^>]*>")


def problems(folder):
    """Yield a line for each term that is missing or broken in a language.

    :param Path folder: with the template and the catalogues
    """
    template = polib.pofile(str(folder / f"{ADDON}.pot"))
    wanted = {entry.msgid for entry in template}
    for language in LANGUAGES:
        path = folder / f"{language}.po"
        if not path.exists():
            yield f"{path.name}: missing"
            continue
        entries = {entry.msgid: entry for entry in polib.pofile(str(path)) if not entry.obsolete}
        yield from (f"{path.name}: not there: {msgid}" for msgid in sorted(wanted - set(entries)))
        yield from (f"{path.name}: left over: {msgid}" for msgid in sorted(set(entries) - wanted))
        for entry in entries.values():
            if problem := _problem(entry):
                yield f"{path.name}: {problem}: {entry.msgid}"


def _problem(entry):
    if not entry.msgstr or entry.fuzzy:
        return "not translated"
    if sorted(_PLACEHOLDER.findall(entry.msgid)) != sorted(_PLACEHOLDER.findall(entry.msgstr)):
        return "other placeholders"
    if sorted(_TAG.findall(entry.msgid)) != sorted(_TAG.findall(entry.msgstr)):
        return "other tags"
    if entry.msgid[:1].isspace() != entry.msgstr[:1].isspace():
        return "other blank at the beginning"
    if entry.msgid[-1:].isspace() != entry.msgstr[-1:].isspace():
        return "other blank at the end"
    return ""


if __name__ == "__main__":
    found = list(problems(Path(sys.argv[1])))
    sys.stdout.write("\n".join(found))
    sys.exit(1 if found else 0)
