"""Every setting, with its default and its unit. Unknown keys are errors."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import AwareDatetime, Field, ValidationError, model_validator

from redact_dask import detectors, validation
from redact_dask.config import loading
from redact_dask.config.cluster import ClusterSettings
from redact_dask.config.loading import Section
from redact_dask.detectors.base import PaidOptions
from redact_dask.errors import ConfigError

_LOOKING = "2"
"""Changed when the same settings would look at other frames, or see them otherwise: what was seen
before is then not recalled."""


class SelectSettings(Section):
    """Which of the source's videos are taken. A pattern's ``*`` stands for anything, ``/`` too."""

    include: tuple[str, ...] = ()
    """Patterns of paths below SOURCE, of which a video must match one; none: all are taken."""
    exclude: tuple[str, ...] = ()
    """Patterns of paths below SOURCE that are left out."""
    since: AwareDatetime | None = None
    """Only videos that were written then or later: a time with its zone, ``2026-02-03T00:00Z``."""
    shard: str | None = Field(None, pattern=r"^[1-9][0-9]*/[1-9][0-9]*$")
    """``3/16``: the third of sixteen parts, for several runs side by side."""

    @model_validator(mode="after")
    def _shard_exists(self) -> SelectSettings:
        number, shards = self.shards
        if number > shards:
            raise ValueError(f"there is no shard {number} of {shards}")
        return self

    @property
    def shards(self) -> tuple[int, int]:
        """Number of the shard, from 1, and of all shards."""
        number, _, shards = (self.shard or "1/1").partition("/")
        return int(number), int(shards)


class ChunkSettings(Section):
    """How a video is cut."""

    seconds: float = Field(10.0, gt=0)
    """Shortest length of a chunk; it goes on until the next keyframe. A last one of less than half
    of that belongs to the one before."""


class DetectSettings(Section):
    """Who looks for what must be hidden."""

    detectors: tuple[str, ...] = Field(("centerface",), min_length=1)
    """Registered names; their boxes are united."""
    every: int = Field(4, ge=1)
    """Of so many frames, one is looked at, and what is seen is followed over the others; fewer are
    left out where the video has less than 30 frames a second, or so."""
    options: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Settings of each detector, by its name."""

    @model_validator(mode="after")
    def _options_fit(self) -> DetectSettings:
        for name in (*self.detectors, *self.options):
            detectors.options(name, self.options.get(name, {}))
        if len(self._paid) > 1:
            raise ValueError(
                "two of the detectors are paid for: take one, so that the cost is known"
            )
        return self

    @cached_property
    def _paid(self) -> list[PaidOptions]:
        options = (detectors.options(name, self.options.get(name, {})) for name in self.detectors)
        return [found for found in options if isinstance(found, PaidOptions)]

    @property
    def is_paid(self) -> bool:
        """Whether looking at a frame costs money."""
        return bool(self._paid)

    def dollars(self, calls: int, before: int = 0) -> float:
        """Return the price of some calls, US dollars, after others of the same run."""
        return sum(paid.dollars(calls, before) for paid in self._paid)


class TrackSettings(Section):
    """How detections become regions over the whole video."""

    start: float = Field(0.3, ge=0, le=1)
    """Confidence from which one detection proves a track."""
    extend: float = Field(0.1, ge=0, le=1)
    """Confidence from which a detection may extend a proven track."""
    gap_s: float = Field(1.0, ge=0)
    """Longest hole in a track that is filled, seconds."""
    pad_s: float = Field(0.14, ge=0)
    """Time that a track is prolonged by at either end, seconds: what the detector has lost goes on
    by its own velocity at first, then with the scene."""
    steady_s: float = Field(0.8, ge=0)
    """Time around a frame whose boxes of a track are united, carried along its motion, seconds:
    a detector's boxes jitter, and some are too small."""
    margin: float = Field(0.13, ge=0)
    """Share of a box's width and height that is added on each side."""
    slack: float = Field(0.0025, ge=0)
    """Share of the picture's longer side that is added on each side besides: a detector's boxes are
    off by about a cell of its grid, whatever the size of the face."""


class RedactSettings(Section):
    """How a region is made unrecognisable."""

    style: Literal["pixelate", "gaussian", "solid"] = "pixelate"
    cells: int = Field(3, ge=1, le=8)
    """``pixelate``: averaged cells along the longer side of a region, whatever its size."""
    radius: float = Field(20.0, gt=0)
    """``gaussian``: standard deviation in pixels; a region of more than 3 of them gets more."""
    shape: Literal["rectangle", "ellipse"] = "rectangle"
    """``ellipse``: the one through the region's corners, which covers all of the region."""


class EncodeSettings(Section):
    """How redacted frames are encoded, with libx264."""

    crf: float = Field(22.0, ge=0, le=51)
    """Constant rate factor: lower is better and larger."""
    preset: Literal[
        "ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower"
    ] = "superfast"
    copy_spans: Literal["auto", "never"] = Field("auto", alias="copy")
    """``auto``: GOPs of H.264 that show nothing to hide are copied; ``never``: all is encoded."""


Kept = Literal[
    "title",
    "location",
    "creation_time",
    "handler_names",
    "other_tags",
    "other_streams",
    "user_data",
]


class OutputSettings(Section):
    """What a redacted video holds besides its pictures; anything not named here is left out."""

    audio: Literal["keep", "drop"] = "keep"
    """``keep``: every audio packet is copied."""
    keep: tuple[Kept, ...] = ()
    """What is copied of all the rest. ``other_streams``: subtitles and data, GPS for one;
    ``user_data``: the messages of cameras between H.264 pictures (SEI), captions among them."""


class WatchSettings(Section):
    """How a source is watched."""

    poll_s: float = Field(10.0, gt=0)
    """Seconds between two looks. A file on a file system is whole if two looks find it alike."""
    queue: str | None = None
    """URL of an SQS queue that S3 notifies of new objects below SOURCE: it tells at once."""


class DriverSettings(Section):
    """How a run goes through its videos."""

    window: int | None = Field(None, ge=1)
    """Videos in flight; default: two for each thread of the cluster, and two more."""
    retry_failed: bool = False
    """Whether videos that an earlier run has quarantined for what they are, are tried again; those
    that failed for another reason, or in another version of the package, always are."""
    stage_limit_s: float = Field(7200.0, gt=0)
    """Seconds that one task may take: then its worker is ended, as if it had crashed, and the task
    runs elsewhere; a video that ends four workers is quarantined."""
    time_limit_s: float | None = Field(None, gt=0)
    """Seconds after which no more videos are begun; those in flight are finished."""
    most_failures: int = Field(20, ge=1)
    """Videos that fail in the same stage with the same kind of error, one after the other, until
    the run ends: something is wrong. Damaged and unsupported videos do not count."""
    max_cost: float | None = Field(None, ge=0)
    """US dollars that paid detectors may cost: a run that would need more does not begin, and one
    that comes there ends, with all that was paid for kept. Default: no limit."""


PROFILES: dict[str, dict[str, Any]] = {
    "fast": {"detect": {"every": 6}},
    "balanced": {},
    "thorough": {
        "detect": {
            "every": 1,
            # With bf16, it leaks 2.4 % instead of 2.0 %, and a face that is found for 10 frames.
            "options": {"centerface": {"scale": 1.0, "threshold": 0.07, "precision": "f32"}},
        },
        "track": {"start": 0.2, "extend": 0.07, "pad_s": 1.2, "steady_s": 0.5, "margin": 0.1},
    },
}
"""Settings by the name of the profile; those that are not given are the defaults."""


class Config(Section):
    """All settings of a run."""

    profile: Literal["fast", "balanced", "thorough"] = "balanced"
    """What all settings start from: one of `PROFILES`."""
    select: SelectSettings = SelectSettings()
    chunk: ChunkSettings = ChunkSettings()
    detect: DetectSettings = DetectSettings()
    track: TrackSettings = TrackSettings()
    redact: RedactSettings = RedactSettings()
    encode: EncodeSettings = EncodeSettings()
    output: OutputSettings = OutputSettings()
    cluster: ClusterSettings = ClusterSettings()
    driver: DriverSettings = DriverSettings()
    watch: WatchSettings = WatchSettings()
    on_damage: Literal["quarantine", "salvage"] = "quarantine"
    """``quarantine``: a damaged video is not published; ``salvage``: it is, with black pictures in
    place of each GOP that does not decode as it should."""
    log: Literal["none", "text", "json"] = "none"
    """Lines on standard error, of workers too, one for each task and each video, and how."""
    work: str | None = None
    """URI of the work area, in storage that all workers share; default: ``_work`` in DEST."""

    @model_validator(mode="before")
    @classmethod
    def _start_from_profile(cls, settings: Any) -> Any:
        if isinstance(settings, Mapping):
            return loading.merged(PROFILES.get(str(settings.get("profile")), {}), settings)
        return settings

    @cached_property
    def fingerprint(self) -> str:
        """Name of all that decides the output: 16 hexadecimal digits of a SHA-256."""
        return self._digest("chunk", "detect", "track", "redact", "encode", "output", "on_damage")

    @cached_property
    def detection_fingerprint(self) -> str:
        """Name of all that decides the detections of a chunk: 16 hexadecimal digits."""
        return self._digest("chunk", "detect", salt=_LOOKING)

    def _digest(self, *names: str, salt: str = "") -> str:
        settings = self.model_dump(mode="json", include=set(names))
        settings["detect"]["options"] = {
            name: detectors.options(name, self.detect.options.get(name, {})).model_dump(mode="json")
            for name in self.detect.detectors
        }
        text = json.dumps([salt, settings], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def load(
    file: str | Path | None = None,
    assignments: Iterable[str] = (),
    overrides: Mapping[str, Any] | None = None,
) -> Config:
    """Build the configuration from a file, then assignments, then overrides.

    Parameters
    ----------
    file
        Path of a YAML file with the sections of `Config`.
    assignments
        ``section.key=value``, the value in YAML.
    overrides
        Nested like the file.

    Raises
    ------
    ConfigError
        The file cannot be read, or a key or value is wrong; the sentence names it.
    """
    settings = loading.read(Path(file)) if file else {}
    for assignment in assignments:
        settings = loading.merged(settings, loading.assigned(assignment))
    return validate(loading.merged(settings, overrides or {}))


def validate(settings: Mapping[str, Any]) -> Config:
    """Check nested settings and fill in the defaults; raise `ConfigError` naming a wrong key."""
    try:
        return Config.model_validate(settings)
    except ValidationError as error:
        raise ConfigError(validation.sentence(error, Config)) from None
