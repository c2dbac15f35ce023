"""The errors of the package, as a small tree.

- `RedactError`
    - `UsageError`: the caller's mistake; the run ends before it starts, with exit code 2.
        - `ConfigError`: a setting is unknown or wrong.
        - `SourceError`: the source or the destination cannot be used.
    - `RunEnded`: going on would be in vain, or too dear; what is done is kept, with exit code 1.
    - `VideoError`: one video cannot be redacted safely; it is quarantined, the run goes on.
        - `UnsupportedVideo`: not a video, or of a kind that cannot be kept exact.
        - `TooLarge`: its pictures do not fit into the memory of a worker.
        - `UnreadableVideo`: its file cannot be read, whatever is in it.
        - `DamagedVideo`: what should decode does not.
        - `CheckFailed`: a result is not what was planned; nothing of it is published.

The message of each is one sentence for a person: it names the thing and says what to do.
"""

from __future__ import annotations


class RedactError(Exception):
    """Base of every error that the package raises on purpose."""


class UsageError(RedactError):
    """The caller's mistake: nothing was done."""


class ConfigError(UsageError):
    """A setting is unknown or wrong."""


class SourceError(UsageError):
    """The source or the destination cannot be used."""


class RunEnded(RedactError):
    """Going on would be in vain, or too dear: a service that every video needs refuses, say."""


class VideoError(RedactError):
    """One video cannot be redacted safely."""


class UnsupportedVideo(VideoError):
    """Not a video, or of a kind that cannot be kept exact."""


class TooLarge(VideoError):
    """A worker has too little memory for its pictures, which is no fault of the video."""


class UnreadableVideo(VideoError):
    """Its file cannot be read, which is no fault of what is in it: permission, or the disk."""


class DamagedVideo(VideoError):
    """The stream does not decode to the frames that its packets promise."""


class CheckFailed(VideoError):
    """A result is not what was planned."""
