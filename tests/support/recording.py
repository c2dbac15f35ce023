"""A store as AWS has it, of moto, and a proxy before it that notes each request."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.request import Request as HttpRequest
from urllib.request import urlopen

import boto3
from moto.server import ThreadedMotoServer
from store_proxy import Answer, Forward, Request, proxy


@dataclass
class Recorded:
    """A store behind a proxy, and the requests that came."""

    url: str = ""
    store: str = ""
    """URL of the store itself."""
    requests: list[Request] = field(default_factory=list)

    def __call__(self, request: Request, forward: Forward) -> Answer:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.requests.append(Request(request.method, request.path, headers))
        return forward(request)

    @property
    def begun(self) -> list[Request]:
        """Requests by which objects come into being: uploads of a whole, and begins of parts."""
        return [
            asked
            for asked in self.requests
            if (asked.method == "PUT" and "partNumber" not in asked.path)
            or (asked.method == "POST" and asked.path.endswith("?uploads"))
        ]

    @property
    def parts(self) -> list[Request]:
        """Uploads of parts."""
        return [asked for asked in self.requests if "partNumber" in asked.path]


@contextmanager
def recorded(*buckets: str) -> Iterator[Recorded]:
    """Run a store with empty buckets, and the proxy before it."""
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    found = Recorded(store=f"http://{host}:{port}")
    try:
        for bucket in buckets:
            client(found).create_bucket(Bucket=bucket)
        with proxy(found.store, found) as found.url:
            yield found
    finally:
        _forget(found)
        server.stop()


def _forget(store: Recorded) -> None:
    """Empty a store: all servers of a process share what they hold."""
    urlopen(HttpRequest(f"{store.store}/moto-api/reset", method="POST")).close()


def client(store: Recorded, service: str = "s3") -> boto3.client:
    """Return a client of the store itself, past the proxy."""
    return boto3.client(
        service,
        endpoint_url=store.store,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
