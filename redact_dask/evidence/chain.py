"""Checks the manifest against its seals, and the seals against each other and their signatures."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from redact_dask import storage
from redact_dask.evidence.findings import LEFT, Finding, Kind, is_temporary
from redact_dask.evidence.reading import digests
from redact_dask.manifest import SCHEMAS, files, seals, signatures
from redact_dask.manifest.seals import FOLDER, SIGNATURE, Seal
from redact_dask.manifest.signatures import PublicKey
from redact_dask.storage import Digest, layout

_MOST_NAMED = 5
"""Most runs that a note names."""


class Chain:
    """The seals of a manifest, and the files that they list.

    Parameters
    ----------
    root
        URL of the manifest.
    keys
        Public keys that count. Without any, signatures are not checked.
    """

    def __init__(self, root: str, keys: Sequence[PublicKey]) -> None:
        self._root = root
        self._keys = {signatures.name(key): key for key in keys}
        prefix = storage.canonical(root) + "/"
        self._there = {
            url.removeprefix(prefix): int(facts["size"]) for url, facts in storage.walk(root)
        }
        self.seals = seals.read(root)
        self._by_name = {seal.name: seal for seal in self.seals}
        self.sealed: set[str] = set()
        """SHA-256 of each file that is as a seal that counts lists it, once it is checked."""

    @property
    def files(self) -> int:
        """Number of files of the manifest, besides seals and signatures."""
        return sum(not path.startswith(f"{FOLDER}/") for path in self._there)

    def check(self, known: Collection[str], at_work: Collection[str]) -> Iterator[Finding]:
        """Yield what is wrong with the seals, and with the files that they list or should list.

        Parameters
        ----------
        known
            SHA-256 of seals that must be there, hexadecimal.
        at_work
            Names of the runs that are at work: they will seal their files.
        """
        broken = {finding.what: finding for finding in self._broken()}
        yield from broken.values()
        hashes = {seal.sha256 for seal in self.seals}
        for sha256 in known:
            if sha256.lower() not in hashes:
                yield Finding(
                    Kind.MISSING,
                    FOLDER,
                    f"no seal has the SHA-256 {sha256}: the seal that had it was altered or removed"
                    "; put it back from another copy of the manifest",
                )
        whole = [seal for seal in self.seals if _path(seal) not in broken]
        counting = whole
        if self._keys:
            counting = self._vouched_for(whole)
            yield from self._unsigned(whole, counting)
        elif signed := {seal.key for seal in whole if seal.key}:
            yield Finding(
                Kind.NOTE,
                FOLDER,
                f"the signatures by {', '.join(sorted(map(str, signed)))} were not checked; name "
                "the public key with --public-key",
            )
        yield from self._files({seal.name for seal in counting})
        yield from self._unlisted(at_work)

    def _broken(self) -> Iterator[Finding]:
        """Yield what is wrong with the files of the seals."""
        for seal in self.seals:
            if not seal.is_readable:
                yield Finding(Kind.ALTERED, _path(seal), "it is no seal that can be read")
        for later in self.seals:
            for name, sha256 in later.before.items():
                path = f"{FOLDER}/{name}"
                named = self._by_name.get(name)
                if named is None:
                    yield Finding(
                        Kind.MISSING,
                        path,
                        f"the seal {later.name} names it; put it back from another copy of the "
                        "manifest",
                    )
                elif named.sha256 != sha256:
                    yield Finding(
                        Kind.ALTERED,
                        path,
                        f"its SHA-256 is {named.sha256}, not {sha256} as the seal {later.name} "
                        "says",
                    )

    def _vouched_for(self, whole: Sequence[Seal]) -> list[Seal]:
        """Return the seals with a good signature, and all that these name directly or not."""
        waiting = [seal for seal in whole if self._is_signed(seal)]
        found: dict[str, Seal] = {}
        names = {seal.name for seal in whole}
        while waiting:
            seal = waiting.pop()
            if seal.name not in found:
                found[seal.name] = seal
                waiting += [self._by_name[name] for name in seal.before if name in names]
        return [*found.values()]

    def _is_signed(self, seal: Seal) -> bool:
        key = self._keys.get(seal.key or "")
        return bool(
            key and seal.signature and signatures.is_signed(seal.content, seal.signature, key)
        )

    def _unsigned(self, whole: Sequence[Seal], counting: Sequence[Seal]) -> Iterator[Finding]:
        vouched = {seal.name for seal in counting}
        for seal in whole:
            path = _path(seal)
            if seal.key in self._keys and not self._is_signed(seal):
                fits = "does not fit it" if seal.signature else "is missing"
                text = f"its signature {fits}: it was altered, or somebody else made it"
                yield Finding(Kind.ALTERED, path, text)
            elif seal.name not in vouched:
                how = f"was signed with another key, {seal.key}" if seal.key else "was not signed"
                text = f"it {how}, and no signed seal names it; a run with evidence.key signs one"
                yield Finding(Kind.UNSIGNED, path, text)

    def _files(self, counting: Collection[str]) -> Iterator[Finding]:
        """Yield what is wrong with the files that seals list, and note those that are right."""
        listed: dict[tuple[str, Digest], list[Seal]] = {}
        for seal in self.seals:
            for path, digest in seal.files.items():
                listed.setdefault((path, digest), []).append(seal)
        to_read = []
        for (path, digest), by in listed.items():
            size = self._there.get(path)
            if size is None:
                yield Finding(
                    Kind.MISSING,
                    path,
                    f"the seal {by[0].name} lists it; put it back from another copy of the "
                    "manifest, or start a run: it makes the copies again that no row names",
                )
            elif size != digest.size:
                text = f"it has {size} bytes, not {digest.size} as the seal {by[0].name} says"
                yield Finding(Kind.ALTERED, path, text)
            else:
                to_read.append((path, digest, by))
        urls = ((found, storage.join(self._root, found[0])) for found in to_read)
        for (path, digest, by), read in digests(urls):
            if isinstance(read, OSError):
                yield Finding(Kind.UNREADABLE, path, f"it cannot be read: {read}")
            elif read != digest:
                text = f"its SHA-256 is {read.sha256}, not {digest.sha256} as the seal "
                yield Finding(Kind.ALTERED, path, f"{text}{by[0].name} says")
            elif any(seal.name in counting for seal in by):
                self.sealed.add(digest.sha256)
        yield from _adopted(listed)

    def _unlisted(self, at_work: Collection[str]) -> Iterator[Finding]:
        """Yield what is to be said of the files that no seal lists."""
        listed = {path for seal in self.seals for path in seal.files}
        current = {
            f"{name}/{url.rpartition('/')[2]}"
            for name in SCHEMAS
            for url in files.current(storage.join(self._root, name))
        }
        unsealed = []
        growing: dict[str, int] = {}
        said = 0
        for path in self._there.keys() - listed:
            run = files.run_of(path)
            if is_temporary(path):
                yield Finding(Kind.NOTE, path, LEFT)
            elif path.startswith(f"{FOLDER}/"):
                yield from self._beside_the_seals(path)
            elif path.startswith((f"{layout.AUDITS}/", f"{layout.EDITS}/")):
                said += 1
            elif run in at_work:
                growing[str(run)] = growing.get(str(run), 0) + 1
            elif path in current:
                unsealed.append(path)
            elif run and path.partition("/")[0] in SCHEMAS:
                yield Finding(
                    Kind.NOTE, path, "a merged file holds its rows; the next run removes it"
                )
            else:
                text = "no run has written it: it belongs to no dataset; remove it"
                yield Finding(Kind.ADDED, path, text)
        if said:
            text = f"{said} files hold what people said of videos; no seal vouches for them"
            yield Finding(Kind.NOTE, f"{layout.AUDITS}, {layout.EDITS}", text)
        for run, number in growing.items():
            text = f"{number} files of it are not sealed yet: the run is at work"
            yield Finding(Kind.NOTE, run, text)
        yield from self._unsealed(sorted(unsealed))

    def _unsealed(self, paths: Sequence[str]) -> Iterator[Finding]:
        if paths and not self.seals:
            yield Finding(
                Kind.UNSEALED,
                ".",
                "the manifest has no seals: it was made before there were any, or they were removed"
                "; the next run seals it as it is then",
            )
            return
        for path in paths:
            yield Finding(
                Kind.UNSEALED,
                path,
                "no seal lists it: a run that was killed has left it, which the next run seals; "
                "or somebody has added it",
            )

    def _beside_the_seals(self, path: str) -> Iterator[Finding]:
        name = path.removeprefix(f"{FOLDER}/")
        if name in self._by_name or name.removesuffix(SIGNATURE) in self._by_name:
            return
        if name.endswith(SIGNATURE):
            text = "it is the signature of a seal that is not there: the seal was removed, or a run"
            yield Finding(Kind.MISSING, path, f"{text} was killed right before it wrote the seal")
        else:
            yield Finding(Kind.ADDED, path, "it is no seal; remove it")


def _adopted(listed: Mapping[tuple[str, Digest], Sequence[Seal]]) -> Iterator[Finding]:
    """Note the files that other runs have sealed than those that wrote them."""
    runs = {
        files.run_of(path) or "an unknown run"
        for (path, _), by in listed.items()
        if files.run_of(path) not in {seal.run for seal in by}
    }
    if runs:
        named = ", ".join(sorted(runs)[:_MOST_NAMED])
        more = f" and {len(runs) - _MOST_NAMED} more" if len(runs) > _MOST_NAMED else ""
        text = f"later runs have sealed what runs that were killed left: {named}{more}"
        yield Finding(Kind.NOTE, FOLDER, text)


def _path(seal: Seal) -> str:
    return f"{FOLDER}/{seal.name}"
