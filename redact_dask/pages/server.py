"""A page with what it asks for, for browsers of this machine alone.

The server listens on 127.0.0.1. Its address has a random token, and without it nothing is told. It
answers only requests that name this address as their host, so that no foreign name leads here, and
takes only what its own page sends. Browsers keep nothing that it tells.
"""

from __future__ import annotations

import json
import secrets
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import Any

from redact_dask.errors import UsageError

HOST = "127.0.0.1"
_KINDS = {"html": "text/html", "css": "text/css", "js": "text/javascript"}
"""Types of files by the ends of their names."""
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


class NotShown(Exception):
    """What a page asks for cannot be shown; the text says why."""


@dataclass(frozen=True, slots=True)
class Content:
    """What a request is answered with."""

    body: bytes
    kind: str
    """Media type."""

    @classmethod
    def json(cls, value: object) -> Content:
        """Return a value as JSON."""
        return cls(json.dumps(value).encode(), "application/json")


class Server(ThreadingHTTPServer, ABC):
    """Serves one page.

    Parameters
    ----------
    port
        Port to listen on; 0: any that is free.

    Raises
    ------
    UsageError
        The port cannot be had.
    """

    package: str
    """Package in which the page's files lie."""
    files: frozenset[str]
    """Names of the page's files, besides ``page.html``, in its package."""
    largest: int
    """Most bytes that the page may send at once."""

    # Closing waits for the threads: one that still writes at the end would abort the program.
    daemon_threads = False

    def __init__(self, port: int = 0) -> None:
        try:
            super().__init__((HOST, port), _Handler)
        except OSError as error:
            raise UsageError(
                f"port {port} of {HOST} cannot be had: {error.strerror}; give another with --port"
            ) from error
        self.token = secrets.token_urlsafe(16)

    @property
    def address(self) -> str:
        """Host and port."""
        return f"{HOST}:{self.server_address[1]}"

    @property
    def url(self) -> str:
        """Address of the page, with its token."""
        return f"http://{self.address}/{self.token}/"

    @abstractmethod
    def told(self, parts: Sequence[str]) -> Content | None:
        """Return what the page asks for; any thread may call it.

        Parameters
        ----------
        parts
            Parts of the path after the token.

        Returns
        -------
        The content; None: there is nothing at this path.

        Raises
        ------
        NotShown
            It cannot be shown.
        """

    @abstractmethod
    def taken(self, parts: Sequence[str], given: dict[str, Any]) -> Content | None:
        """Keep what the page sends, and return what it shows then; any thread may call it.

        Parameters
        ----------
        parts
            Parts of the path after the token.
        given
            What was sent.

        Returns
        -------
        The content; None: nothing is taken at this path.

        Raises
        ------
        UsageError
            It is wrong, and was not kept.
        """

    def file(self, name: str) -> Content | None:
        """Return a file of the page; None: it has none of this name."""
        package = "redact_dask.pages" if name in _SHARED else self.package
        if name not in {"", *_SHARED, *self.files}:
            return None
        name = name or "page.html"
        kind = _KINDS[name.rpartition(".")[2]]
        return Content(files(package).joinpath(name).read_bytes(), f"{kind}; charset=utf-8")


_SHARED = frozenset({"house.css", "controls.css"})
"""Files of all pages, in this package."""


class _Handler(BaseHTTPRequestHandler):
    server: Server
    timeout = 2
    """Seconds that a connection may be idle: browsers open some that they never use."""

    def do_GET(self) -> None:
        parts = self._parts()
        try:
            found = None
            if parts is not None:
                found = self.server.file("/".join(parts)) or self.server.told(parts)
            self._answer(found)
        except NotShown as error:
            self._refuse(HTTPStatus.NOT_FOUND, str(error))

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > self.server.largest:
            self.close_connection = True
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "This is more than is taken.")
            return
        body = self.rfile.read(int(length))
        if self.headers.get("Origin") != f"http://{self.server.address}":
            self._refuse(HTTPStatus.FORBIDDEN, "Only the page itself may send.")
            return
        parts = self._parts()
        try:
            found = None
            if parts is not None:
                found = self.server.taken(parts, dict(json.loads(body)))
            self._answer(found)
        except (UsageError, ValueError, TypeError) as error:
            self._refuse(HTTPStatus.BAD_REQUEST, str(error))

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

    def _answer(self, found: Content | None) -> None:
        if found is None:
            self._refuse(HTTPStatus.NOT_FOUND, _NO_MATTER)
        else:
            self._send(found)

    def _refuse(self, status: HTTPStatus, reason: str) -> None:
        self._send(Content(reason.encode(), "text/plain; charset=utf-8"), status)

    def _send(self, content: Content, status: HTTPStatus = HTTPStatus.OK) -> None:
        self.send_response(status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", content.kind)
        self.send_header("Content-Length", str(len(content.body)))
        self.end_headers()
        self.wfile.write(content.body)
