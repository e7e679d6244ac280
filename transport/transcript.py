"""The conversation with a server as text for people, without credentials and without content."""

from __future__ import annotations

import smtplib

from ..providers.redaction import clean_text

_HIDDEN = "[…]"
#: Lines that are kept; a test mail takes about a dozen.
_LINES = 200


class Transcript:
    """Lines that went to the server (``>``), came from it (``<``), or were noted (``*``).

    What signs in is left out: the arguments of AUTH and every line that answers a 334, also
    where the server repeats them.
    """

    def __init__(self):
        self._lines = []
        self._secrets = []
        self._last_code = 0
        self._content_size = 0
        #: what the server said last
        self.last_answer = ""

    def __str__(self):
        return "\n".join(self._lines)

    def note(self, text: str) -> None:
        """Add a remark of our own."""
        self._add("*", text)

    def sent(self, text: str) -> None:
        """Add what went to the server; it must hold no secret."""
        self._add(">", text)

    def received(self, text: str) -> None:
        """Add what the server said, without what looks like a secret."""
        self.last_answer = clean_text(text, secrets=self._secrets)
        self._add("<", self.last_answer)

    def listen(self, connection: smtplib.SMTP) -> None:
        """Write down everything that this SMTP connection says and hears from now on."""
        send, getreply = connection.send, connection.getreply

        def listening_send(data):
            self._smtp_sent(data)
            return send(data)

        def listening_getreply():
            try:
                code, text = getreply()
            except smtplib.SMTPServerDisconnected:
                self.note("the connection is gone")
                raise
            self._smtp_received(code, text)
            return code, text

        connection.send, connection.getreply = listening_send, listening_getreply

    def _smtp_sent(self, data):
        if self._last_code == 354:
            self._content_size += len(data)
            return
        line = data if isinstance(data, str) else data.decode("utf-8", "replace")
        self.sent(self._without_credentials(line.rstrip("\r\n")))

    def _without_credentials(self, line):
        if self._last_code == 334:
            self._secrets.append(line)
            return _HIDDEN
        words = line.split(" ", 2)
        if words[0].upper() == "AUTH" and len(words) > 2:
            self._secrets.append(words[2])
            return f"{words[0]} {words[1]} {_HIDDEN}"
        return line

    def _smtp_received(self, code, text):
        if self._content_size:
            self.sent(f"({self._content_size} bytes)")
            self._content_size = 0
        self._last_code = code
        for line in text.decode("utf-8", "replace").split("\n"):
            self.received(f"{code} {line}")

    def _add(self, mark, text):
        if len(self._lines) < _LINES:
            self._lines.append(f"{mark} {text}")
