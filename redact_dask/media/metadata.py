"""Choosing which streams and tags of a source are copied beside its pictures.

Cameras write places, serial numbers and owners into tags, streams and messages of their own. So
only what the configuration names is copied.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from av.container import InputContainer
from av.stream import Stream

from redact_dask.config import Kept, OutputSettings
from redact_dask.records import StreamInfo


def streams(container: InputContainer, settings: OutputSettings, info: StreamInfo) -> list[Stream]:
    """Return the streams to copy, in the order of the source; never a video stream."""
    audio = info.audio_streams if settings.audio == "keep" else ()
    others = {"subtitle", "data", "attachment", "unknown"}
    kinds = others if "other_streams" in settings.keep else ()
    return [stream for stream in container.streams if stream.index in audio or stream.type in kinds]


def tags(found: Mapping[str, str], keep: Collection[Kept]) -> dict[str, str]:
    """Return those tags of a container or a stream whose kind is to be kept.

    >>> tags({"title": "Tour", "com.apple.quicktime.location.ISO6709": "+48.2"}, ["title"])
    {'title': 'Tour'}
    """
    return {name: value for name, value in found.items() if _kind(name.lower()) in keep}


def _kind(name: str) -> Kept:
    """Return the kind of a tag, by FFmpeg's name for it, such as ``com.apple.quicktime.title``."""
    last = name.rpartition(".")[2]
    if last in ("title", "displayname"):
        return "title"
    if "location" in name or "gps" in name or last == "xyz":
        return "location"
    if last in ("creation_time", "creationdate", "date"):
        return "creation_time"
    if last in ("handler_name", "vendor_id"):
        return "handler_names"
    return "other_tags"
