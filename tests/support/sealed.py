"""A destination with copies, rows and seals as runs leave them, though no run has made it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from made_up import ROWS, VIDEO

from redact_dask import evidence, storage
from redact_dask.evidence import Expected, Finding, Kind
from redact_dask.manifest import Writer, seals, signatures
from redact_dask.records import video_id
from redact_dask.sources import listing
from redact_dask.storage import layout

Told = tuple[str, str]
"""Kind and name of a finding."""


class Fleet:
    """Sources, and what was published of them.

    Parameters
    ----------
    place
        URL or path of an empty folder.
    """

    def __init__(self, place: object) -> None:
        self.source = storage.join(str(place), "source")
        self.destination = storage.join(str(place), "redacted")
        self.root = layout.manifest(self.destination)

    def publish(
        self,
        run: str,
        *paths: str,
        seal: bool = True,
        key: signatures.PrivateKey | None = None,
        **columns: Any,
    ) -> Writer:
        """Publish copies of sources in a run, whose rows have some columns."""
        writer = Writer(self.root, run)
        writer.add({"runs": [ROWS["runs"]]})
        for path in paths:
            source, output = (storage.join(at, path) for at in (self.source, self.destination))
            if not storage.exists(source):
                storage.write(source, f"source {path}".encode())
            content = f"copy {path} {run}".encode()
            storage.write(output, content)
            facts = storage.info(source)
            assert facts
            version = storage.version(facts)
            row = VIDEO | {
                "video": video_id(path, version),
                "source": storage.canonical(source),
                "path": path,
                "version": version,
                "output": storage.canonical(output),
                "bytes_out": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
                "source_sha256": storage.digest(source).sha256,
                "versions": [("redact-dask", "0.3")],
                "finished": datetime.now(UTC),
            }
            writer.add({"videos": [row | columns]})
        if seal:
            writer.close()
            seals.write(self.root, run, writer.growing, list, key)
        else:
            writer.flush()
        return writer

    def findings(
        self, root: str | None = None, *, sources: bool = False, **expected: Any
    ) -> list[Finding]:
        """Return all that is found, in the destination or in a copy of its manifest."""
        manifest, destination = evidence.place(root or self.destination)
        videos = listing.list_videos(self.source, self.destination) if sources else None
        check = evidence.Verification(manifest, destination, Expected(**expected), videos)
        return [*check.findings()]

    def problems(self, root: str | None = None, **options: Any) -> set[Told]:
        """Return kind and name of all that keeps the evidence from being whole."""
        return told(found for found in self.findings(root, **options) if found.kind.is_problem)

    def path(self, *parts: str) -> Path:
        """Return the path of a file at a local destination."""
        local = storage.local_path(storage.join(self.destination, *parts))
        assert local
        return Path(local)


def told(findings: Iterable[Finding]) -> set[Told]:
    """Return kind and name of findings; the sources' without their folder."""
    return {(str(found.kind), found.what.rpartition("/source/")[2]) for found in findings}


def deletable(findings: Iterable[Finding]) -> list[str]:
    """Return the names of the sources that may be deleted."""
    return [name for kind, name in sorted(told(findings)) if kind == Kind.DELETABLE]


def flip(file: Path, at: int = -1) -> None:
    """Change a byte of a file, not its size."""
    content = bytearray(file.read_bytes())
    content[at] ^= 1
    file.write_bytes(content)
