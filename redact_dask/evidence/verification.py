"""One check of a destination, from the seals down to the sources."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from packaging.version import Version

from redact_dask import storage
from redact_dask.errors import SourceError
from redact_dask.evidence.chain import Chain
from redact_dask.evidence.copies import Copies
from redact_dask.evidence.findings import Finding, Kind
from redact_dask.evidence.sources import Sources
from redact_dask.manifest import SCHEMAS, seals
from redact_dask.manifest.signatures import PublicKey
from redact_dask.records import Video
from redact_dask.storage import layout, lease


@dataclass(frozen=True, slots=True)
class Expected:
    """What a manifest and its copies are held against."""

    keys: Sequence[PublicKey] = ()
    """Public keys of which one must have signed; empty: signatures are not checked."""
    seals: Sequence[str] = ()
    """SHA-256 of seals that must be there, hexadecimal."""
    fingerprint: str | None = None
    """Fingerprint of the settings with which copies should be made; None: those of the newest."""
    oldest: Version | None = None
    """Oldest version of the package that may have made a copy; None: any."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How much was looked at."""

    seals: int
    files: int
    """Files of the manifest, besides its seals."""
    copies: int
    """Copies that were read."""
    bytes: int
    """Their size."""
    sources: int


def place(dest: str) -> tuple[str, str | None]:
    """Return the URLs of a manifest and of the destination that it is about.

    Parameters
    ----------
    dest
        The destination, or its manifest, or a copy of that.

    Returns
    -------
    The URLs; that of the destination is None where the manifest alone is given.

    Raises
    ------
    SourceError
        There is no manifest.
    """
    url = storage.canonical(dest)
    for root, destination in ((layout.manifest(url), url), (url, None)):
        if _is_manifest(root):
            return root, destination
    raise SourceError(
        f"{dest} holds no manifest of a run, and is none; name the destination of a run first, and "
        "then its source"
    )


def _is_manifest(root: str) -> bool:
    """Tell whether there is a seal, or a file of a dataset, where those of a manifest are."""
    endings = dict.fromkeys(SCHEMAS, ".parquet") | {seals.FOLDER: ".json"}
    return any(
        url.endswith(ending)
        for name, ending in endings.items()
        for url, _ in storage.walk(storage.join(root, name))
    )


class Verification:
    """Checks a manifest, the copies that it names, and their sources.

    Parameters
    ----------
    root
        URL of the manifest.
    destination
        URL of the destination's root; None: copies are not checked.
    expected
        What all is held against.
    videos
        The sources; None: they are not checked.
    """

    def __init__(
        self,
        root: str,
        destination: str | None,
        expected: Expected,
        videos: Iterable[Video] | None = None,
    ) -> None:
        self._destination = destination
        self._expected = expected
        self._before = self._at_work()
        self._chain = Chain(root, expected.keys)
        self._copies = Copies(root, destination)
        self._sources = Sources(videos or (), self._copies)

    def findings(self) -> Iterator[Finding]:
        """Yield all that is to be said, as it is found.

        Sources are deletable only if all of the manifest is as it should be.
        """
        at_work = {*self._before, *self._at_work()}
        is_whole = True
        for finding in self._chain.check(self._expected.seals, at_work):
            is_whole &= not finding.kind.is_problem
            yield finding
        for finding in self._copies.load(self._chain.sealed):
            is_whole = False
            yield finding
        yield from self._copies.check_settings(self._expected.fingerprint)
        yield from self._copies.check_edits()
        if self._expected.oldest:
            yield from self._copies.check_versions(self._expected.oldest)
        if self._destination is not None:
            yield from self._copies.check(self._destination, is_at_work=bool(at_work))
        for finding in self._sources.check():
            if is_whole or finding.kind is not Kind.DELETABLE:
                yield finding

    @property
    def counts(self) -> Counts:
        """How much was looked at up to now."""
        chain, copies = self._chain, self._copies
        number = self._sources.checked
        return Counts(len(chain.seals), chain.files, copies.checked, copies.bytes, number)

    @property
    def newest(self) -> dict[str, str]:
        """SHA-256 of each seal that no other names, by its name: they vouch for all others."""
        return {seal.name: seal.sha256 for seal in seals.heads(self._chain.seals)}

    def _at_work(self) -> Collection[str]:
        """Return the names of the runs that are at work."""
        if self._destination is None:
            return ()
        return [run for run, is_valid in lease.holders(self._destination).items() if is_valid]
