"""The errors of the package, as a small tree.

- `RedactError`
    - `UsageError`: the caller made a mistake; the run ends before it starts, with exit code 2.
        - `ConfigError`: a setting is unknown or wrong.
        - `SourceError`: the source or the destination cannot be used.
    - `RunEnded`: going on would be in vain, or would cost too much; the run ends with exit code 1,
      and what is done is kept.
    - `VideoError`: one video cannot be redacted safely; it is quarantined, and the run goes on.
        - `UnsupportedVideo`: the file is no video, or is of a kind that cannot be kept exact.
        - `TooLarge`: the video's pictures do not fit into the memory of a worker.
        - `UnreadableVideo`: the video's file cannot be read now, whatever is in it.
        - `DamagedVideo`: the stream does not decode as it should.
        - `CheckFailed`: a result is not what was planned; nothing of the video is published.

The message of each error is one sentence for a person: it names the thing and says what to do. Its
class tells whose fault it is.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar


class Blame(StrEnum):
    """Whose fault a failure is. Only the video's own is final; only the others may end a run."""

    VIDEO = "video"
    HOST = "host"
    """A worker's machine, or the software on it."""
    STORE = "store"
    SETTINGS = "settings"


class RedactError(Exception):
    """Base of every error that the package raises on purpose."""

    blame: ClassVar[Blame] = Blame.SETTINGS
    """Whose fault it is."""
    worker: str = ""
    """Address of the Dask worker that raised it; empty outside a cluster."""


class UsageError(RedactError):
    """The caller made a mistake; nothing was done."""


class ConfigError(UsageError):
    """A setting is unknown or wrong."""


class SourceError(UsageError):
    """The source or the destination cannot be used."""


class RunEnded(RedactError):
    """Going on would be in vain, or would cost too much.

    For example, a service that every video needs refuses to serve.
    """

    blame = Blame.HOST


class VideoError(RedactError):
    """One video cannot be redacted safely."""

    blame = Blame.VIDEO


class UnsupportedVideo(VideoError):
    """The file is no video, or is of a kind that cannot be kept exact."""


class TooLarge(VideoError):
    """A worker has too little memory for the video's pictures; the video itself is not at fault."""

    blame = Blame.SETTINGS


class UnreadableVideo(VideoError):
    """The file cannot be read, whatever is in it: its permissions or its disk are at fault."""

    blame = Blame.STORE


class DamagedVideo(VideoError):
    """The stream does not decode to the frames that its packets promise."""


class CheckFailed(VideoError):
    """A result is not what was planned."""
