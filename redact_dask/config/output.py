"""Settings of what a copy holds."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import field_validator

from redact_dask.config.loading import Section

Kept = Literal[
    "title",
    "location",
    "creation_time",
    "handler_names",
    "other_tags",
    "other_streams",
    "user_data",
]


Streams = Literal["all", "first"] | tuple[int, ...]


class OutputSettings(Section):
    """What a redacted video holds besides its pictures. Anything not named here is left out."""

    audio: Literal["keep", "drop"] = "keep"
    """``keep`` copies every audio packet. ``drop`` leaves the audio out."""
    begin: Literal["kept", "zero"] = "kept"
    """When the copy begins. ``kept`` is when the source does: a recorder's clock may begin at ten
    hours. ``zero`` is at once; all distances in time stay exact."""
    streams: Streams = "all"
    """Which video streams are redacted and published, where a file has several, as a camera's with
    a front and a rear view. ``all`` are all but previews, ``first`` is the first of these. Or name
    their numbers: ``[0, 2]`` are the first and the third. The others are left out."""
    keep: tuple[Kept, ...] = ()
    """What else is copied. ``other_streams`` are subtitles and data, such as GPS. ``user_data`` are
    the messages of cameras between pictures (SEI), captions among them."""

    @field_validator("streams", mode="before")
    @classmethod
    def _is_choice(cls, value: Any) -> Any:
        if value in ("all", "first"):
            return value
        numbers = value if isinstance(value, list | tuple) else [value]
        if not numbers or not all(type(number) is int and number >= 0 for number in numbers):
            raise ValueError("give all, first, or numbers of video streams from 0, such as [0, 2]")
        return tuple(sorted({*numbers}))
