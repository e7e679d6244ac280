"""How XML files of an addon are laid out: four spaces per level, one attribute per line or all on
one line. OCA formats with prettier, which needs node; this asks for the same look without it.
"""

import re
from xml.parsers import expat

_INDENT = 4
_START_TAG = re.compile(rb"<[^\s/>]+(?P<attributes>(?:\s+[^\s=/>]+\s*=\s*(?:\"[^\"]*\"|'[^']*'))*)")
_ATTRIBUTE_ON_OWN_LINE = re.compile(rb"\n([ \t]*)[^\s=/>]+\s*=\s*(?:\"[^\"]*\"|'[^']*')")


def layout_problems(content):
    """Return ``(line number, problem)`` for each place where a file is not laid out that way.

    :param content: bytes of an XML file
    """
    reader = _Reader(content)
    try:
        reader.parser.Parse(content, True)
    except expat.ExpatError as err:
        return [(err.lineno, f"not well-formed: {expat.ErrorString(err.code)}")]
    return sorted(reader.problems + _line_problems(content))


def _line_problems(content):
    problems = []
    lines = content.decode().split("\n")
    for number, line in enumerate(lines, start=1):
        if line != line.rstrip():
            problems.append((number, "white space at the end of the line"))
        if "\t" in line:
            problems.append((number, "tab"))
    if lines[-1] or not lines[-2:][0]:
        problems.append((len(lines), "the file does not end with one line break"))
    return problems


class _Reader:
    """Compares the indentation of each tag that begins a line with its depth."""

    def __init__(self, content):
        self.problems = []
        self._content = content
        self._lines = content.split(b"\n")
        self._depth = 0
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CommentHandler = lambda _text: self._check_tag("comment", self._depth)

    def _start(self, name, _attributes):
        self._check_tag(f"<{name}>", self._depth)
        self._check_attributes(name)
        self._depth += 1

    def _end(self, name):
        self._depth -= 1
        if self._content[self.parser.CurrentByteIndex :].startswith(b"</"):
            self._check_tag(f"</{name}>", self._depth)

    def _check_tag(self, what, depth):
        before = self._lines[self.parser.CurrentLineNumber - 1][: self.parser.CurrentColumnNumber]
        if not before.strip():
            self._check_indentation(self.parser.CurrentLineNumber, what, len(before), depth)

    def _check_attributes(self, name):
        tag = _START_TAG.match(self._content, self.parser.CurrentByteIndex)
        first_line = self.parser.CurrentLineNumber
        for attribute in _ATTRIBUTE_ON_OWN_LINE.finditer(tag["attributes"]):
            line = first_line + tag[0].count(b"\n", 0, tag.start("attributes") - tag.start())
            line += tag["attributes"].count(b"\n", 0, attribute.start() + 1)
            what = f"attribute of <{name}>"
            self._check_indentation(line, what, len(attribute[1]), self._depth + 1)

    def _check_indentation(self, line, what, found, depth):
        if found != depth * _INDENT:
            problem = f"{what} is indented by {found} instead of {depth * _INDENT}"
            self.problems.append((line, problem))
