"""Lists the videos of a source, and selects those that a run takes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from itertools import chain
from pathlib import PurePosixPath
from typing import Any

from fsspec.core import has_magic

from redact_dask import storage
from redact_dask.config import Config, SelectSettings
from redact_dask.errors import SourceError
from redact_dask.records import Video
from redact_dask.sources.passed_over import PassedOver

Listed = tuple[str, dict[str, Any]]
"""URL of a file, and the facts about it as `storage.find` returns them."""

SUFFIXES = frozenset(
    {
        ".3gp",
        ".asf",
        ".avi",
        ".flv",
        ".h264",
        ".h265",
        ".hevc",
        ".m2ts",
        ".m4v",
        ".mkv",
        ".mov",
        ".mp4",
        ".mpeg",
        ".mpg",
        ".mts",
        ".mxf",
        ".ogv",
        ".ts",
        ".vob",
        ".webm",
        ".wmv",
    }
)
"""Endings, in lower case, that distinguish a folder's videos from its other files."""


def list_videos(
    source: str,
    destination: str,
    work: str | None = None,
    passed_over: PassedOver | None = None,
) -> Iterator[Video]:
    """Return the videos of a source one by one, as the store lists them, without holding them all.

    Parameters
    ----------
    source
        A file, a folder, a pattern with ``*``, or a prefix of an object store.
    destination
        Folder or prefix of the redacted videos. It may neither hold the source nor lie in it.
    work
        The work area, if it is not in the destination. It may not overlap with the source either.
    passed_over
        Counts what the source holds besides.

    Raises
    ------
    SourceError
        The source has no video, or overlaps with the destination or the work area. While iterating:
        the store fails.
    """
    passed_over = passed_over or PassedOver()
    listed = _listed(source, storage.canonical(destination), work, passed_over)
    first = next(listed, None)
    if first is None:
        endings = ", ".join(sorted(SUFFIXES))
        besides = f"; passed over: {passed_over}" if str(passed_over) else ""
        raise SourceError(
            f"no video found in {source}; looked for files that end in {endings}{besides}"
        )
    return chain([first], listed)


def list_selected(
    source: str, destination: str, config: Config, passed_over: PassedOver | None = None
) -> Iterator[Video]:
    """Return the videos of a source that the settings select; see `list_videos` and `select`."""
    return select(list_videos(source, destination, config.work, passed_over), config.select)


def select(videos: Iterable[Video], settings: SelectSettings) -> Iterator[Video]:
    """Return the videos that the settings select, in the same order.

    Raises
    ------
    SourceError
        No video is selected although no shard is set; or ``since`` is set, and the store does not
        tell when a video was written.
    """
    chosen = _chosen(videos, settings)
    first = next(chosen, None)
    return chain([] if first is None else [first], chosen)


def _chosen(videos: Iterable[Video], settings: SelectSettings) -> Iterator[Video]:
    found, is_any = 0, False
    for found, video in enumerate(videos, 1):  # noqa: B007 (told if none is chosen)
        if _is_chosen(video, settings):
            is_any = True
            yield video
    if not is_any and not settings.shard:
        raise SourceError(
            f"none of the source's {found} videos fits select.include, exclude and since"
        )


def _is_chosen(video: Video, settings: SelectSettings) -> bool:
    def fits(patterns: tuple[str, ...]) -> bool:
        return any(fnmatchcase(video.path, pattern) for pattern in patterns)

    if (settings.include and not fits(settings.include)) or fits(settings.exclude):
        return False
    if settings.since is not None:
        if video.modified is None:
            raise SourceError(
                f"the store does not tell when {video.source} was written; leave select.since out"
            )
        if video.modified < settings.since.timestamp():
            return False
    number, shards = settings.shards
    return _shard(video.path, shards) == number


def _shard(path: str, shards: int) -> int:
    """Return the number of a path's shard, from 1.

    Names that differ only in their endings get the same shard: their copies may want the same
    place.
    """
    folder, _, name = path.rpartition("/")
    digest = hashlib.sha256(f"{folder}/{name.partition('.')[0]}".encode()).digest()
    return int.from_bytes(digest[:8]) % shards + 1


def check_watchable(source: str, destination: str, work: str | None) -> None:
    """Raise `SourceError` if a source is no folder or prefix, or overlaps; see `list_videos`."""
    root = storage.canonical(source)
    if storage.local_path(root) is not None and not storage.is_folder(root):
        raise SourceError(f"the source {source} is no folder; only those are watched")
    _keep_apart(root, storage.canonical(destination), work, True)


def list_folder(
    source: str, settings: SelectSettings, passed_over: PassedOver | None = None
) -> Iterator[Video]:
    """Yield the selected videos that lie in a folder or prefix now; there may be none.

    Raises
    ------
    SourceError
        ``since`` is set, and the store does not tell when a video was written.
    OSError, botocore.exceptions.BotoCoreError
        The store fails.
    """
    listed = storage.walk(storage.canonical(source))
    return from_listing(source, listed, settings, passed_over or PassedOver())


def from_listing(
    source: str, listed: Iterable[Listed], settings: SelectSettings, passed_over: PassedOver
) -> Iterator[Video]:
    """Yield the selected videos among some files; see `list_folder`."""
    root = storage.canonical(source)
    inside = ((url, facts) for url, facts in listed if _inside(url, root))
    found = (_video(url, root, facts) for url, facts in _videos(inside, passed_over))
    return (video for video in found if _is_chosen(video, settings))


def _listed(
    source: str, destination: str, work: str | None, passed_over: PassedOver
) -> Iterator[Video]:
    try:
        root, found, whole_tree = _find(source, passed_over)
        _keep_apart(root, destination, work, whole_tree)
        if not whole_tree and storage.exists(source):  # It may be a link into another folder.
            target = storage.canonical(source)
            _keep_apart(target.rpartition("/")[0], destination, work, whole_tree)
        for url, facts in found:
            yield _video(url, root, facts)
    except storage.FAILURES as error:
        raise SourceError(f"cannot list the source {source}: {error}") from None


def _find(source: str, passed_over: PassedOver) -> tuple[str, Iterator[Listed], bool]:
    """Find a source: return its root, its files, and whether all below the root is source.

    Paths of videos are relative to the root.
    """
    if storage.exists(source):
        if storage.is_folder(source):
            url = storage.canonical(source)
            return url, _videos(storage.walk(url), passed_over), True
        url = storage.named(source)
        return url.rpartition("/")[0], iter(storage.find(url).items()), False
    if has_magic(source):
        parts = source.split("/")
        plain = next(number for number, part in enumerate(parts) if has_magic(part))
        root = storage.canonical("/".join(parts[:plain]) or ".")
        found = storage.glob(storage.join(root, *parts[plain:]))
        return root, _videos(sorted(found.items()), passed_over), plain < len(parts) - 1
    raise SourceError(f"the source {source} does not exist")


def _videos(listed: Iterable[Listed], passed_over: PassedOver) -> Iterator[Listed]:
    """Yield the videos among some files, and count what is passed over."""
    for url, facts in listed:
        path = PurePosixPath(url)
        if facts["type"] == "directory":
            passed_over.add_linked_folder(path)
        elif path.suffix.lower() in SUFFIXES and not path.name.startswith("."):
            yield url, facts
        else:  # Some systems put a hidden file with a video's ending beside each video.
            passed_over.add_file(path)


def _keep_apart(root: str, destination: str, work: str | None, whole_tree: bool) -> None:
    """Raise `SourceError` if the destination or the work area overlaps with the source."""
    if destination == root:
        raise SourceError(
            f"the destination {destination} is the source's own folder: "
            "redacted videos would replace the originals; name another folder"
        )
    if whole_tree and _inside(destination, root):
        raise SourceError(
            f"the destination {destination} lies inside the source {root}: "
            "the next run would take redacted videos for sources; name a folder outside"
        )
    if whole_tree and _inside(root, destination):
        raise SourceError(
            f"the source {root} lies inside the destination {destination}: "
            "a redacted video could replace an original; name a folder outside"
        )
    if work is None:
        return
    # A run sweeps the work area, and the segments in it have the endings of videos.
    area = storage.canonical(work)
    if area == root or (whole_tree and (_inside(area, root) or _inside(root, area))):
        raise SourceError(
            f"the work area {work} and the source {root} overlap; name another folder"
        )


def _inside(url: str, folder: str) -> bool:
    return url.startswith(folder + "/")


def _video(url: str, root: str, facts: dict[str, Any]) -> Video:
    # A name that is not UTF-8 fits into no manifest; the escaped one leads to no file, and the
    # video is quarantined under it.
    url, root = storage.escaped(url), storage.escaped(root)
    return Video(
        source=url,
        path=url.removeprefix(root + "/"),
        size=int(facts["size"]),
        version=storage.version(facts),
        modified=storage.modified(facts),
    )
