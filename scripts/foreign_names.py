"""Names that belong to one machine or one registry and not into the repository."""

import re

#: Each pattern is spelled so that this file does not match it.
_FOREIGN = re.compile(
    r"debian\.org|pypi\.org|python[h]osted|npm[j]s|/wor[k]/|/far[m]/|/tm[p]/o[av]?/|/hom[e]/\w|/roo[t]/"
)


def foreign_names(text):
    """Return ``(line number, name)`` for each foreign name in a text."""
    return [
        (number, match.group())
        for number, line in enumerate(text.splitlines(), start=1)
        for match in _FOREIGN.finditer(line)
    ]
