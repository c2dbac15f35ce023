"""A proxy before an object store, by which requests are held, refused or changed on their way."""

from __future__ import annotations

import http.client
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

_HOP_BY_HOP = {"connection", "expect", "transfer-encoding", "content-length"}


@dataclass
class Request:
    """A request on its way to the store."""

    method: str
    path: str
    """With the query."""
    headers: dict[str, str]
    body: bytes = b""
    """As it came: what is forwarded is always this."""


@dataclass
class Answer:
    """The store's answer, or one that the proxy gives itself."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


Forward = Callable[[Request], Answer]
Between = Callable[[Request, Forward], Answer]
"""What is done to a request: it may wait, forward it, and answer something else."""
StartProxy = Callable[[Between], None]
"""What starts a proxy before the store of a test."""


@contextmanager
def proxy(store: str, between: Between) -> Iterator[str]:
    """Run a proxy before a store that is reached at a URL; yield the proxy's URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(urlsplit(store).netloc, between))
    server.daemon_threads = True
    running = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    running.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def without(request: Request, *headers: str) -> None:
    """Take headers out of a request, and sign the rest with the environment's credentials."""
    names = {*map(str.lower, headers), "authorization"}
    lower = {name.lower(): value for name, value in request.headers.items()}
    hashed = lower["x-amz-content-sha256"]
    kept = {n: v for n, v in request.headers.items() if n.lower() not in names}

    class Auth(S3SigV4Auth):
        def payload(self, _request: AWSRequest) -> str:
            return hashed

    url = f"http://{lower['host']}{request.path}"
    signed = AWSRequest(request.method, url, kept)
    keys = (os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
    Auth(Credentials(*keys), "s3", os.environ["AWS_DEFAULT_REGION"]).add_auth(signed)
    request.headers = dict(signed.headers.items())


def _handler(store: str, between: Between) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))

            def forward(request: Request) -> Answer:
                connection = http.client.HTTPConnection(store, timeout=60)
                try:
                    # The store checks the signature against the host that the client named.
                    connection.putrequest(
                        request.method, request.path, skip_host=True, skip_accept_encoding=True
                    )
                    for name, value in request.headers.items():
                        connection.putheader(name, value)
                    connection.putheader("Content-Length", str(len(body)))
                    connection.endheaders(body)
                    given = connection.getresponse()
                    return Answer(given.status, dict(given.getheaders()), given.read())
                finally:
                    connection.close()

            kept = {n: v for n, v in self.headers.items() if n.lower() not in _HOP_BY_HOP}
            answer = between(Request(self.command, self.path, kept, body), forward)
            self.send_response(answer.status)
            length = str(len(answer.body))
            for name, value in answer.headers.items():
                if name.lower() == "content-length" and self.command == "HEAD":
                    length = value
                if name.lower() not in _HOP_BY_HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", length)
            self.end_headers()
            self.wfile.write(b"" if self.command == "HEAD" else answer.body)

        do_HEAD = do_PUT = do_POST = do_DELETE = do_GET  # noqa: N815 (http.server's names)

        def log_message(self, *_arguments: Any) -> None:
            pass

    return Handler
