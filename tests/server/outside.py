"""Everybody outside whom a Prefect server writes to, played on the loopback address.

The server reaches Slack and SendGrid through a proxy that ends the connection here, with a certificate for their names
that it trusts; so the automations, the blocks and Prefect's own messengers are the real ones, up to the last byte.
"""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.servers.certificates import make_certificates

NAMES = ("hooks.slack.com", "api.sendgrid.com")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What was sent to whom: the host's name, the path, and the JSON."""

    host: str
    path: str
    body: Any

    def text(self) -> str:
        """All of it, to look for words in."""
        return json.dumps(self.body)


@dataclass(slots=True)
class Outside:
    """The messages that came so far; and the variables of a server that sends them here."""

    port: int
    variables: dict[str, str]
    messages: list[Message]

    @property
    def address(self) -> str:
        """Where a plain webhook is taken."""
        return f"http://127.0.0.1:{self.port}/hook"


@contextmanager
def listening_outside(folder: Path) -> Iterator[Outside]:
    """Listen on the loopback address until the block ends."""
    made = make_certificates(folder, NAMES)
    secure = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    secure.load_cert_chain(made.certificate, made.key)
    messages: list[Message] = []

    class Handler(BaseHTTPRequestHandler):
        """A proxy that is also every place behind it."""

        behind = "127.0.0.1"

        def do_CONNECT(self) -> None:
            self.behind = self.path.partition(":")[0]
            self.send_response(200)
            self.end_headers()
            self.connection = secure.wrap_socket(self.connection, server_side=True)
            self.rfile = self.connection.makefile("rb")
            self.wfile = self.connection.makefile("wb", buffering=0)
            self.close_connection = False

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            messages.append(Message(host=self.behind, path=self.path, body=json.loads(body)))
            # Slack says "ok", SendGrid 202 and nothing
            self.send_response(202 if "sendgrid" in self.behind else 200)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def finish(self) -> None:
            super().finish()
            self.connection.close()

        def log_message(self, *_: object) -> None:
            """Nothing to the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    port = server.server_address[1]
    variables = {"HTTPS_PROXY": f"http://127.0.0.1:{port}", "REQUESTS_CA_BUNDLE": str(made.authority)}
    try:
        yield Outside(port, variables, messages)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
