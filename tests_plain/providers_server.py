"""A small https server for the tests of ``providers/``: a callable answers each request."""

import contextlib
import json
import ssl
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import trustme

AUTHORITY = trustme.CA()


@dataclass
class Request:
    """What a client sent."""

    method: str
    path: str
    query: dict
    headers: dict
    form: dict


@dataclass
class Answer:
    """What it gets: a dict becomes JSON, bytes and text go out as they are."""

    content: object = b""
    status: int = 200
    headers: dict = field(default_factory=dict)

    def body(self):
        if isinstance(self.content, dict | list):
            return json.dumps(self.content).encode()
        return self.content.encode() if isinstance(self.content, str) else self.content


class Server(ThreadingHTTPServer):
    """Serves ``app(request) -> Answer`` over TLS on a free port and remembers the requests."""

    daemon_threads = True

    def __init__(self, app, *, identity="localhost", **certificate):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.app, self.requests, self.connections = app, [], 0
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        AUTHORITY.issue_cert(identity, **certificate).configure_cert(context)
        self.socket = context.wrap_socket(
            self.socket, server_side=True, do_handshake_on_connect=False
        )
        self.url = f"https://localhost:{self.server_port}"

    def get_request(self):
        self.connections += 1
        return super().get_request()

    def handle_error(self, request, client_address):
        """Clients that hang up in the middle are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10
    disable_nagle_algorithm = True  # headers and body are two writes

    def setup(self):
        self.request.settimeout(self.timeout)
        super().setup()

    def _answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        request = Request(
            self.command,
            parts.path,
            dict(parse_qsl(parts.query)),
            dict(self.headers),
            dict(parse_qsl(body.decode(), keep_blank_values=True)),
        )
        self.server.requests.append(request)
        answer = self.server.app(request)
        if answer is None:  # hang up
            self.close_connection = True
            return
        body = answer.body()
        self.send_response(answer.status)
        for name, value in ({"Content-Length": len(body)} | answer.headers).items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body)

    def __getattr__(self, name):
        if name.startswith("do_"):  # every method
            return self._answer
        raise AttributeError(name)

    def log_message(self, *args):
        """Say nothing."""


@contextlib.contextmanager
def serving(app, **options):
    """Run a :class:`Server` for the length of a ``with`` block."""
    server = Server(app, **options)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
