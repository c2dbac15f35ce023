"""The page of an audit, for browsers of this machine alone.

The server listens on 127.0.0.1. Its address has a random token, and without it nothing is told. It
answers only requests that name this address as their host, so that no foreign name leads here, and
takes answers only from its own page. It writes nothing but answers.
"""

from __future__ import annotations

import json
import secrets
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import Any

from redact_dask.audit.pictures import NotShown
from redact_dask.audit.session import Session
from redact_dask.errors import UsageError

HOST = "127.0.0.1"
_LARGEST_ANSWER = 4096
"""Most bytes of an answer that are read."""
_FILES = {
    "": ("page.html", "text/html; charset=utf-8"),
    "house.css": ("house.css", "text/css; charset=utf-8"),
    "page.css": ("page.css", "text/css; charset=utf-8"),
    "page.js": ("page.js", "text/javascript; charset=utf-8"),
}
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_NO_MATTER = "There is nothing here."


class Server(ThreadingHTTPServer):
    """Serves the page of one session.

    Parameters
    ----------
    session
        What the page shows.
    port
        Port to listen on; 0: any that is free.

    Raises
    ------
    UsageError
        The port cannot be had.
    """

    # Closing waits for the threads: one that still writes at the end would abort the program.
    daemon_threads = False

    def __init__(self, session: Session, port: int = 0) -> None:
        try:
            super().__init__((HOST, port), _Handler)
        except OSError as error:
            raise UsageError(
                f"port {port} of {HOST} cannot be had: {error.strerror}; give another with --port"
            ) from error
        self.session = session
        self.token = secrets.token_urlsafe(16)

    @property
    def address(self) -> str:
        """Host and port."""
        return f"{HOST}:{self.server_address[1]}"

    @property
    def url(self) -> str:
        """Address of the page, with its token."""
        return f"http://{self.address}/{self.token}/"


class _Handler(BaseHTTPRequestHandler):
    server: Server
    timeout = 2
    """Seconds that a connection may be idle: browsers open some that they never use."""

    def do_GET(self) -> None:
        session = self.server.session
        try:
            match self._parts():
                case [name] if name in _FILES:
                    file, kind = _FILES[name]
                    self._send(files("redact_dask.audit").joinpath(file).read_bytes(), kind)
                case ["state"]:
                    self._send_json(session.state())
                case ["pictures", item, ("-1" | "0" | "1") as offset] if item.isdecimal():
                    self._send(session.pictures.jpeg(int(item), int(offset)), "image/jpeg")
                case ["finds", item] if item.isdecimal():
                    self._send_json(session.pictures.finds(int(item)))
                case _:
                    self._refuse(HTTPStatus.NOT_FOUND, _NO_MATTER)
        except NotShown as error:
            self._refuse(HTTPStatus.NOT_FOUND, str(error))

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > _LARGEST_ANSWER:
            self.close_connection = True
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "This is too long for an answer.")
            return
        body = self.rfile.read(int(length))
        if self.headers.get("Origin") != f"http://{self.server.address}":
            self._refuse(HTTPStatus.FORBIDDEN, "Only the page of the audit may answer.")
            return
        match self._parts():
            case ["answers", item] if item.isdecimal():
                try:
                    given = json.loads(body)
                    told = self.server.session.answer(int(item), dict(given))
                except (UsageError, ValueError, TypeError) as error:
                    self._refuse(HTTPStatus.BAD_REQUEST, str(error))
                    return
                self._send_json(told)
            case _:
                self._refuse(HTTPStatus.NOT_FOUND, _NO_MATTER)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing: a log of requests would hold the token."""

    def version_string(self) -> str:
        """Return the name of the server, without versions."""
        return "redact-dask"

    def _parts(self) -> list[str] | None:
        """Return the parts of the path after the token; None: the token or the host is wrong."""
        if self.headers.get("Host") != self.server.address:
            return None
        empty, _, rest = self.path.partition("/")
        token, slash, name = rest.partition("/")
        if empty or not slash or not secrets.compare_digest(token.encode(), self._token()):
            return None
        return name.split("/")

    def _token(self) -> bytes:
        return self.server.token.encode()

    def _send_json(self, value: object) -> None:
        self._send(json.dumps(value).encode(), "application/json")

    def _refuse(self, status: HTTPStatus, reason: str) -> None:
        self._send(reason.encode(), "text/plain; charset=utf-8", status)

    def _send(self, body: bytes, kind: str, status: HTTPStatus = HTTPStatus.OK) -> None:
        self.send_response(status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
