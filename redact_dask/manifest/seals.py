"""Seals: small files that chain the manifest's files together by their SHA-256.

A seal lists files of the manifest with their sizes and hashes, and names the newest seals before it
by their hashes, so that it vouches for all that came before it. Runs side by side may seal at once:
both seals name the same ones, and the next seal names both. A seal with a signature has it in a
file beside it, with ``.sig`` at the end of its name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

from redact_dask import storage, versions
from redact_dask.manifest import files, signatures
from redact_dask.manifest.schema import SCHEMAS
from redact_dask.manifest.signatures import PrivateKey
from redact_dask.storage import Digest

FOLDER = "seals"
"""Name of the folder of the seals, beside the datasets."""
SIGNATURE = ".sig"
"""End of the name of a signature."""
_FORMAT = "redact_dask seal 1"
_AT_ONCE = 16
"""Threads that read: an object store takes 30 ms to answer, whatever the size of a file."""


@dataclass(frozen=True, slots=True)
class Seal:
    """A seal, as its file has it."""

    name: str
    """Name of its file."""
    content: bytes
    """Content of its file."""
    signature: bytes | None = None
    """Content of the file with its signature; None: there is none."""
    run: str = ""
    """Name of the run that made it."""
    key: str | None = None
    """Public key that fits the signature, 64 hexadecimal digits; None: it was not signed."""
    files: Mapping[str, Digest] = field(default_factory=dict)
    """Digest of each file that it lists, by its path below the manifest."""
    before: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of each of the newest seals before it, by the name of its file."""
    is_readable: bool = True
    """Whether its file holds a seal; else it lists nothing."""

    @property
    def sha256(self) -> str:
        """SHA-256 of its file, hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()


def read(root: str) -> list[Seal]:
    """Read all seals of a manifest, sorted by the names of their files.

    Parameters
    ----------
    root
        URL of the manifest.
    """
    urls = [url for url, _ in storage.walk(storage.join(root, FOLDER))]
    signed = {url for url in urls if url.endswith(SIGNATURE)}

    def one(url: str) -> Seal:
        content = storage.read(url)
        signature = storage.read(url + SIGNATURE) if url + SIGNATURE in signed else None
        return _parsed(url.rpartition("/")[2], content, signature)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = pool.map(one, (url for url in urls if url.endswith(".json")))
        return sorted(found, key=lambda seal: seal.name)


def heads(seals: Collection[Seal]) -> list[Seal]:
    """Return the seals that no other seal names: together they vouch for all."""
    named = {name for seal in seals for name in seal.before}
    return [seal for seal in seals if seal.name not in named]


def write(
    root: str,
    run: str,
    growing: Collection[str],
    at_work: Callable[[], Collection[str]],
    key: PrivateKey | None,
) -> None:
    """Seal the files that no seal lists yet, those that killed runs have left among them.

    Parameters
    ----------
    root
        URL of the manifest.
    run
        Name of the run that seals.
    growing
        Paths below the manifest of its files that it will merge yet, which are left out.
    at_work
        Tells the names of all runs at work, whose files are left to them.
    key
        Private key that signs the seal; None: it is not signed.
    """
    seals = read(root)
    sealed = {path for seal in seals for path in seal.files}
    found = {path: url for path, url in _current(root) if path not in sealed}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        digests = dict(zip(found, pool.map(_digest, found.values()), strict=True))
    # Whatever run had these files and is not at work now is over: what it has left is final.
    busy = {*at_work()} - {run}
    final = {path for path, _ in _current(root)} - {*growing}
    listed = {
        path: asdict(digest)
        for path, digest in digests.items()
        if digest and path in final and files.run_of(path) not in busy
    }
    if not listed:
        return
    number = sum(seal.name.startswith(f"{run}-") for seal in seals)
    seal = {
        "format": _FORMAT,
        "run": run,
        "sealed": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": versions.installed(),
        "key": signatures.name(key.public_key()) if key else None,
        "before": {seal.name: seal.sha256 for seal in heads(seals)},
        "files": listed,
    }
    content = json.dumps(seal, indent=1, sort_keys=True).encode()
    url = storage.join(root, FOLDER, f"{run}-{number:06}.json")
    if key:  # First: a run that is killed in between leaves no seal without its signature.
        storage.write(url + SIGNATURE, key.sign(content))
    storage.write(url, content)


def _current(root: str) -> Iterator[tuple[str, str]]:
    """Yield path below the manifest and URL of each file of the datasets."""
    for name in SCHEMAS:
        for url in files.current(storage.join(root, name)):
            yield f"{name}/{url.rpartition('/')[2]}", url


def _digest(url: str) -> Digest | None:
    """Return the digest of a file; None: its run has merged it meanwhile."""
    with suppress(FileNotFoundError):
        return storage.digest(url)
    return None


def _parsed(name: str, content: bytes, signature: bytes | None) -> Seal:
    try:
        told = json.loads(content)
        return Seal(
            name=name,
            content=content,
            signature=signature,
            run=str(told["run"]),
            key=str(told["key"]) if told["key"] else None,
            files={
                path: Digest(int(digest["size"]), str(digest["sha256"]))
                for path, digest in told["files"].items()
            },
            before={name: str(sha256) for name, sha256 in told["before"].items()},
        )
    except (ValueError, LookupError, TypeError, AttributeError):
        return Seal(name, content, signature, is_readable=False)
