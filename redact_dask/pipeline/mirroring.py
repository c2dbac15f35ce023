"""Whether the path of a video can be mirrored at the destination, without touching another one."""

from __future__ import annotations

import os
from pathlib import PurePosixPath

from redact_dask import storage
from redact_dask.errors import UnsupportedVideo
from redact_dask.records import Video
from redact_dask.sources.listing import SUFFIXES
from redact_dask.storage import layout

_LONGEST_NAME = 255
"""Most bytes of a file's name on the usual file systems."""


def check(video: Video, destination: str) -> None:
    """Raise `UnsupportedVideo` if a video's path cannot be mirrored below a destination's URL.

    An object store may hold ``a.mp4`` beside ``a.mp4/b.mp4``, and ``a//b.mp4`` beside ``a/b.mp4``.
    A file system holds one of them, and so do some object stores.
    """
    path, parts = video.path, video.path.split("/")
    if ".." in parts:
        raise UnsupportedVideo(f"its name {path!r} would leave the destination")
    if parts[0] in layout.OWN_FOLDERS:
        raise UnsupportedVideo(
            f"redact_dask keeps its own files in the folder {parts[0]} of the destination; rename "
            "the source's"
        )
    if "\\udc" in path and not storage.exists(video.source):
        raise UnsupportedVideo(f"its name {path} is not UTF-8; rename the file")
    root = video.source.removesuffix(path)
    is_local = storage.local_path(destination) is not None
    plain = "/".join(part for part in parts if part not in ("", "."))
    if plain != path and (is_local or path.endswith("/") or storage.info(root + plain)):
        raise UnsupportedVideo(
            f"its name {path!r} and {plain!r} may be one name at the destination; rename it"
        )
    for folder in PurePosixPath(plain).parents if is_local else ():
        if folder.suffix.lower() in SUFFIXES and _is_file(f"{root}{folder}"):
            raise UnsupportedVideo(
                f"{folder} is a video too, and cannot be a folder in {destination}; rename one"
            )


def check_name(target: str) -> None:
    """Raise `UnsupportedVideo` if a file system cannot hold the name of a copy, given its URL."""
    name = PurePosixPath(target).name
    if storage.local_path(target) and len(os.fsencode(name)) > _LONGEST_NAME:
        raise UnsupportedVideo(
            f"its copy would be called {name[:12]}...{name[-12:]}, which is longer than the "
            f"{_LONGEST_NAME} bytes that a name can have; rename the file"
        )


def _is_file(url: str) -> bool:
    found = storage.info(url)
    return found is not None and found["type"] == "file"
