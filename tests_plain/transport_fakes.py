"""Small servers on real sockets that the transport's tests script step by step."""

import contextlib
import functools
import json
import smtplib
import socket
import ssl
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import trustme
from mail_server_oauth2.providers.base import AccessToken

#: Actions besides a reply's bytes
FIN, RST = "fin", "rst"


@functools.cache
def authority():
    """One throw-away CA for the whole run; keys are slow to make."""
    return trustme.CA()


@functools.cache
def server_context():
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority().issue_cert("localhost").configure_cert(context)
    return context


@functools.cache
def client_context():
    context = ssl.create_default_context()
    authority().configure_trust(context)
    return context


class TokenSource:
    """Stands for the models' token store; counts what it is asked."""

    def __init__(self, *values):
        self.values = list(values) or ["token-1", "token-2", "token-3"]
        self.calls = []

    def __call__(self, force):
        self.calls.append(force)
        if force and len(self.values) > 1:
            self.values.pop(0)
        return AccessToken(self.values[0], expires_at=2**31)


class ScriptedSmtpServer:
    """A submission server with implicit TLS that does well unless told otherwise.

    ``script(step, action, …)`` sets what happens the next times ``step`` is reached: bytes are
    the reply, ``FIN`` and ``RST`` end the connection, ``None`` is the usual answer. Steps:
    ``CONNECT EHLO AUTH CREDENTIALS "" MAIL RCPT DATA BODY CONTENT RSET QUIT``; ``BODY`` is
    reached when the first bytes of the content arrive.
    """

    def __init__(self):
        self.extensions = ["SIZE 157286400", "8BITMIME", "SMTPUTF8", "AUTH LOGIN XOAUTH2"]
        self.commands = []
        self.delivered = []
        self.connections = 0
        self._scripts = {}
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._open = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def script(self, step, *actions):
        self._scripts.setdefault(step, []).extend(actions)

    def connect(self, debuglevel=0, timeout=5):
        """What the models' closure does."""
        context = client_context()
        connection = smtplib.SMTP_SSL("localhost", self.port, timeout=timeout, context=context)
        connection.set_debuglevel(debuglevel)
        return connection

    def verbs(self):
        return [command.split(b" ")[0].split(b":")[0].decode().upper() for command in self.commands]

    def clients_gone(self):
        """Whether every client has hung up, waiting a moment for the last ones."""
        conversations = self._threads[1:]
        for thread in conversations:
            thread.join(2)
        return not any(thread.is_alive() for thread in conversations)

    def close(self):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def _accept(self):
        while True:
            try:
                raw, _address = self._listener.accept()
            except OSError:
                return
            self._open.append(raw)
            thread = threading.Thread(target=self._serve, args=(raw,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, raw):
        self.connections += 1
        with contextlib.suppress(OSError), raw:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            stream = server_context().wrap_socket(raw, server_side=True)
            with stream, stream.makefile("rb") as lines:
                _Conversation(self, stream, lines).run()

    def next_action(self, step):
        waiting = self._scripts.get(step)
        return waiting.pop(0) if waiting else None


class _Hangup(OSError):
    pass


class _Conversation:
    def __init__(self, server, stream, lines):
        self.server, self.stream, self.lines = server, stream, lines
        self.sender, self.recipients = None, []

    def run(self):
        self.answer("CONNECT", b"220 localhost ESMTP")
        while line := self.lines.readline():
            command = line.rstrip(b"\r\n")
            self.server.commands.append(command)
            verb = command.split(b" ")[0].upper().decode()
            getattr(self, f"do_{verb.lower()}", self.do_unknown)(command)

    def answer(self, step, usual, record=lambda reply: None):
        """Act; return the bytes sent. ``record`` is told before the client can know."""
        action = self.server.next_action(step)
        if action == FIN:
            self.stream.shutdown(socket.SHUT_RDWR)
            raise _Hangup
        if action == RST:
            linger = struct.pack("ii", 1, 0)
            self.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.stream.close()
            raise _Hangup
        reply = usual if action is None else action
        record(reply)
        if reply:
            self.stream.sendall(reply + b"\r\n")
        return reply

    def do_ehlo(self, _command):
        lines = ["localhost", *self.server.extensions]
        text = [f"250-{line}" for line in lines[:-1]] + [f"250 {lines[-1]}"]
        self.answer("EHLO", "\r\n".join(text).encode())

    def do_auth(self, _command):
        if self.answer("AUTH", b"334 ") != b"334 ":
            return
        self.server.commands.append(self.lines.readline().rstrip(b"\r\n"))
        reply = self.answer("CREDENTIALS", b"235 2.7.0 Authentication successful")
        if reply.startswith(b"334"):
            self.server.commands.append(self.lines.readline().rstrip(b"\r\n"))
            self.answer("", b"535-5.7.8 Username and Password not accepted.\r\n535 5.7.8  - gsmtp")

    def do_mail(self, command):
        if self.sender:
            return self.answer("MAIL", b"503 5.5.1 nested MAIL command")
        if self.answer("MAIL", b"250 2.1.0 Sender OK").startswith(b"2"):
            self.sender = command
        return None

    def do_rcpt(self, command):
        if self.answer("RCPT", b"250 2.1.5 Recipient OK").startswith(b"2"):
            self.recipients.append(command.split(b"<")[1].split(b">")[0].decode())

    def do_data(self, _command):
        if not self.answer("DATA", b"354 go on").startswith(b"354"):
            return
        content = [self.lines.readline()]
        self.answer("BODY", b"")
        while content[-1] != b".\r\n":
            content.append(self.lines.readline())
            if not content[-1]:
                raise _Hangup
        body = b"".join(line.removeprefix(b".") for line in content[:-1])
        self.answer(
            "CONTENT",
            b"250 2.0.0 OK <abc@localhost> [Hostname=localhost]",
            record=lambda reply: self.record(reply, body),
        )
        self.forget()

    def record(self, reply, body):
        if reply.startswith(b"2") and len(reply) > len(b"250"):
            self.server.delivered.append((self.sender, self.recipients, body))

    def do_rset(self, _command):
        self.forget()
        self.answer("RSET", b"250 2.0.0 Resetting")

    def do_quit(self, _command):
        self.answer("QUIT", b"221 2.0.0 bye")
        raise _Hangup

    def do_unknown(self, command):
        self.answer(command.decode("utf-8", "replace"), b"500 5.5.2 unrecognised: " + command)

    def forget(self):
        self.sender, self.recipients = None, []


@contextlib.contextmanager
def smtp_server():
    server = ScriptedSmtpServer()
    try:
        yield server
    finally:
        server.close()


class ScriptedGraph(ThreadingHTTPServer):
    """An HTTPS server that answers 202 unless told otherwise.

    An entry of ``script`` is ``(status, headers, body)``, ``FIN`` (hang up after the whole
    request was read), ``"unread"`` (hang up before the body is read) or ``"silent"``.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _GraphHandler)
        self.script, self.requests, self.connections = [], [], 0
        self.socket = server_context().wrap_socket(self.socket, server_side=True)
        self.url = f"https://localhost:{self.server_address[1]}"

    def handle_error(self, request, client_address):
        """Connections that clients drop are part of the tests."""

    def process_request(self, request, client_address):
        self.connections += 1
        super().process_request(request, client_address)


class _GraphHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 5
    disable_nagle_algorithm = True
    wbufsize = -1  # one write per answer

    def do_GET(self):
        self._answer()

    def do_POST(self):
        self._answer()

    def _answer(self):
        action = self.server.script.pop(0) if self.server.script else (202, {}, None)
        if action == "unread":
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.close_connection = True
            self.connection.close()
            return
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.requests.append((self.path, dict(self.headers), body))
        if action == FIN:
            self.close_connection = True
            return
        if action == "silent":
            self.rfile.read(1)  # returns when the client hangs up
            self.close_connection = True
            return
        status, headers, answer = action
        payload = json.dumps(answer).encode() if isinstance(answer, dict) else (answer or b"")
        self.send_response(status)
        for name, value in {"request-id": "r-1", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *args):
        pass


@contextlib.contextmanager
def graph_server():
    server = ScriptedGraph()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
