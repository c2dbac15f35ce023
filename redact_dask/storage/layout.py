"""Where the package keeps its own files at a destination, beside the redacted videos."""

from __future__ import annotations

import hashlib

from redact_dask.storage.files import join

MANIFEST = "_manifest"
WORK = "_work"
PAID = "_paid"
KEPT = "_kept"
LEASE = "_lease"
OWN_FOLDERS = frozenset({MANIFEST, WORK, PAID, KEPT, LEASE})
"""Names of the folders directly below a destination that hold no redacted videos."""
AUDITS = "audit"
"""Name of the manifest's folder that holds what people said of published frames."""
EDITS = "edits"
"""Name of the manifest's folder that holds what people changed about what is hidden."""


def manifest(destination: str) -> str:
    """Return the URL of the folder that holds the manifest's datasets."""
    return join(destination, MANIFEST)


def work_area(destination: str, configured: str | None) -> str:
    """Return the URL of a destination's work area: ``_work`` in it, or a folder of a shared one.

    Destinations that share a configured work area have a folder each, named by a hash of their URL.
    """
    if configured is None:
        return join(destination, WORK)
    return join(configured, hashlib.sha256(destination.encode()).hexdigest()[:16])


def paid(destination: str, video: str) -> str:
    """Return the URL of what paid detectors saw on a video; ``video`` is its id."""
    return join(destination, PAID, video)


def kept(destination: str, video: str) -> str:
    """Return the URL of what is kept of a published video for another rendering; see `paid`."""
    return join(destination, KEPT, video)


def lease(destination: str, run: str) -> str:
    """Return the URL of the lease file by which a run holds the destination."""
    return join(destination, LEASE, f"{run}.json")
