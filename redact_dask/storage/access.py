"""With which settings each place in S3 is reached: SOURCE's or DEST's, in this process.

`use` is told of a run's places before the run's first request, by the driver and by each task. So
every function that is given a URL finds the settings of its place, and none can forget them.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Literal

from fsspec.core import has_magic

Checksum = Literal["CRC32", "CRC32C", "SHA256"]


@dataclass(frozen=True, slots=True)
class Access:
    """How a place in S3 is reached, and how what is written there is kept.

    The section ``s3`` of the configuration describes each field. None leaves it to the environment,
    or to the bucket.
    """

    endpoint_url: str | None = None
    region_name: str | None = None
    profile: str | None = None
    access_key_id: str | None = field(default=None, repr=False)
    secret_access_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)
    role_arn: str | None = None
    external_id: str | None = field(default=None, repr=False)
    expected_bucket_owner: str | None = None
    request_payer: Literal["requester"] | None = None
    sse: str | None = None
    sse_kms_key_id: str | None = None
    bucket_key: bool | None = None
    acl: str | None = None
    storage_class: str | None = None
    checksum: Checksum | None = None


@dataclass(frozen=True, slots=True)
class _Route:
    """The places of one run. A place is a bucket and the beginning of keys."""

    source: str | None
    written: tuple[str, ...]
    """The places of the destination and of the work area."""
    reads: Access
    """How the source is reached."""
    writes: Access
    """How the destination and the work area are."""

    def access(self, place: str, *, writing: bool) -> Access | None:
        """Return how a place is reached; None: it is none of this run's."""
        roots = [(root, self.writes) for root in self.written]
        # A source may be another run's destination: what that one writes must stay as it says.
        if self.source is not None and not writing:
            roots.append((self.source, self.reads))
        found = [(len(root), access) for root, access in roots if _is_below(place, root)]
        return max(found, key=lambda each: each[0])[1] if found else None


class _Routes:
    """The runs of this process, the one that was told last first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.all: tuple[_Route, ...] = ()

    def add(self, route: _Route) -> None:
        with self._lock:
            places = (route.source, route.written)
            others = (other for other in self.all if (other.source, other.written) != places)
            self.all = (route, *others)


_routes = _Routes()


def use(
    source: str | None, destination: str | None, work: str | None, reads: Access, writes: Access
) -> None:
    """Let this process reach a run's source, destination and work area with these settings.

    They hold until another call names the same places. Where the places of two
    runs overlap, those of the later call hold; but a source's settings are never used to write.

    Parameters
    ----------
    source
        A URL, or a pattern, for all below its part without a pattern; None: there is none.
    destination, work
        URLs; None: there is none.
    reads
        How the source is reached.
    writes
        How the destination and the work area are.
    """
    written = tuple(place for url in (destination, work) if (place := _place(url)) is not None)
    route = _Route(_plain(_place(source)), written, reads, writes)
    if route not in _routes.all[:1]:
        _routes.add(route)


def of(url: str, *, writing: bool = False) -> Access:
    """Return how a URL is reached; by default, as the environment says.

    Parameters
    ----------
    url
        URL in S3.
    writing
        Whether something is written or removed there.
    """
    place = _place(url)
    if place is not None:
        for route in _routes.all:
            if access := route.access(place, writing=writing):
                return access
    return Access()


def _place(url: str | None) -> str | None:
    """Return the bucket and key of a URL, as in ``bucket/a/b``; None: it is not in S3."""
    protocol, _, path = (url or "").partition("://")
    return path.strip("/") if protocol in ("s3", "s3a") else None


def _plain(place: str | None) -> str | None:
    """Return the folder in which all lies that fits to a pattern."""
    if place is None or not has_magic(place):
        return place
    parts = place.split("/")
    return "/".join(parts[: next(n for n, part in enumerate(parts) if has_magic(part))])


def _is_below(place: str, root: str) -> bool:
    return not root or place == root or place.startswith(f"{root}/")
