"""Every setting of a run, with its default and its unit. Unknown keys are errors."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import AwareDatetime, Field, ValidationError, field_validator, model_validator

from redact_dask import detectors, validation
from redact_dask.config import loading
from redact_dask.config.cluster import ClusterSettings
from redact_dask.config.driver import DriverSettings, WatchSettings
from redact_dask.config.evidence import EvidenceSettings
from redact_dask.config.hiding import LabelSettings, RedactSettings, TrackSettings
from redact_dask.config.loading import Section
from redact_dask.config.output import OutputSettings
from redact_dask.config.s3 import S3Settings
from redact_dask.config.zones import ZoneSettings
from redact_dask.detectors.base import PaidOptions
from redact_dask.errors import ConfigError
from redact_dask.records import Usage

LONGEST_CHUNK_S = 10.0
"""Shortest length of a chunk where there are videos for all threads, seconds."""


class SelectSettings(Section):
    """Which videos of the source are taken. In a pattern, ``*`` stands for any text, even ``/``."""

    include: tuple[str, ...] = ()
    """Patterns of paths below SOURCE. A video is taken if it matches one. Without any, all are."""
    exclude: tuple[str, ...] = ()
    """Patterns of paths below SOURCE. A video that matches one of them is left out."""
    since: AwareDatetime | None = None
    """Time, with its zone, such as ``2026-02-03T00:00Z``. Videos written before it are left out."""
    shard: str | None = Field(None, pattern=r"^[1-9][0-9]*/[1-9][0-9]*$")
    """Share of the videos for one of several runs side by side: ``3/16`` is the third of 16."""

    @model_validator(mode="after")
    def _shard_exists(self) -> SelectSettings:
        number, shards = self.shards
        if number > shards:
            raise ValueError(f"there is no shard {number} of {shards}")
        return self

    @property
    def shards(self) -> tuple[int, int]:
        """Number of this shard, from 1, and how many shards there are."""
        number, _, shards = (self.shard or "1/1").partition("/")
        return int(number), int(shards)


class ChunkSettings(Section):
    """How a video is cut into chunks."""

    seconds: float | None = Field(None, gt=0)
    """Shortest length of a chunk, seconds. The chunk goes on until the next keyframe. A last chunk
    shorter than half of this is joined to the chunk before it. By default, or with ``auto``, it is
    10 seconds, or less where there are fewer videos than threads: then several tasks look at the
    parts of a GOP that is longer."""

    @field_validator("seconds", mode="before")
    @classmethod
    def _is_automatic(cls, value: Any) -> Any:
        return None if value == "auto" else value


class DetectSettings(Section):
    """Which detectors look for what must be hidden, and on which frames."""

    detectors: tuple[str, ...] = Field(("faces",), min_length=1)
    """Registered names of the detectors. What any of them finds is hidden."""
    every: int = Field(4, ge=1)
    """Number of frames of which one is looked at; what is found there is followed over the others.
    At a low frame rate, fewer are left out, so that looks are at most 0.2 seconds apart: 4 is
    lowered below 20 frames a second, and 6 below 30."""
    options: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Options of each detector, by its registered name."""

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

    def usage_of(self, looks: int) -> Usage:
        """Return the calls to paid services that some looks take, as far as they are known."""
        return sum((paid.usage_of(looks) for paid in self._paid), Usage())

    def dollars(self, usage: Usage, before: Usage) -> float:
        """Return the price of some calls, US dollars, after those ``before`` in the same run."""
        return sum(paid.dollars(usage, before) for paid in self._paid)


class EncodeSettings(Section):
    """How redacted frames are encoded, with libx264 or libx265."""

    codec: Literal["auto", "h264", "hevc"] = "auto"
    """``auto`` is the source's own codec, H.264 or HEVC. Videos of other codecs become HEVC if they
    have 10 bit 4:2:0 pictures, and else H.264. ``h264`` and ``hevc`` are for all videos alike. But
    interlaced and stereo videos, and pictures of fewer than 64 pixels on a side, always become
    H.264."""
    crf: float = Field(22.0, ge=0, le=51)
    """Constant rate factor of both encoders. A lower one gives a better picture and a larger file.
    At the same one, HEVC looks nearly like H.264 and takes about two thirds of the bits."""
    preset: Literal[
        "ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower"
    ] = "superfast"
    """Preset of libx264 or libx265, which trades speed for compression."""
    copy_spans: Literal["auto", "never"] = Field("auto", alias="copy")
    """``auto`` copies GOPs of H.264 and HEVC that show nothing to hide. ``never`` encodes all
    frames."""


PROFILES: dict[str, dict[str, Any]] = {
    "fast": {"detect": {"every": 6}},
    "balanced": {},
    "thorough": {"detect": {"every": 1}, "track": {"start": 0.22}},
}
"""Settings of each profile, by its name. Settings not listed have their defaults."""


class Config(Section):
    """All settings of a run."""

    profile: Literal["fast", "balanced", "thorough"] = "balanced"
    """Profile that the settings start from; a setting that is given replaces the profile's."""
    select: SelectSettings = SelectSettings()
    chunk: ChunkSettings = ChunkSettings()
    # Made when it is needed: it loads the default detector's module, with OpenVINO.
    detect: DetectSettings = Field(default_factory=DetectSettings)
    track: TrackSettings = TrackSettings()
    redact: RedactSettings = RedactSettings()
    labels: dict[str, LabelSettings] = Field(default_factory=dict)
    zones: tuple[ZoneSettings, ...] = ()
    encode: EncodeSettings = EncodeSettings()
    output: OutputSettings = OutputSettings()
    cluster: ClusterSettings = ClusterSettings()
    driver: DriverSettings = DriverSettings()
    watch: WatchSettings = WatchSettings()
    evidence: EvidenceSettings = EvidenceSettings()
    s3: S3Settings = S3Settings()
    on_damage: Literal["quarantine", "salvage"] = "quarantine"
    """``quarantine`` does not publish a damaged video. ``salvage`` publishes it, with black
    pictures in place of each GOP that does not decode as it should."""
    check: Literal["quick", "full"] = "quick"
    """How the joined video is checked before it is published. ``full`` decodes all of it. ``quick``
    decodes what was encoded, with the copied GOPs beside it; of the other copied GOPs it compares
    each packet with what was decoded when they were analysed."""
    log: Literal["none", "text", "json"] = "none"
    """Form of the log on standard error, of workers too: one line for each task and each video."""
    work: str | None = None
    """URI of the work area, in storage that all workers share. By default, ``_work`` in DEST."""

    @model_validator(mode="before")
    @classmethod
    def _start_from_profile(cls, settings: Any) -> Any:
        if isinstance(settings, Mapping):
            return loading.merged(PROFILES.get(str(settings.get("profile")), {}), settings)
        return settings

    def hides(self, label: str) -> bool:
        """Tell whether things of a label are hidden."""
        return label not in self.labels or self.labels[label].hide

    def track_of(self, label: str) -> TrackSettings:
        """Return how things of a label are tracked."""
        own = self.labels.get(label)
        return own.track.over(self.track) if own else self.track

    def redact_of(self, label: str) -> RedactSettings:
        """Return how things of a label are made unrecognisable."""
        own = self.labels.get(label)
        return own.redact.over(self.redact) if own else self.redact

    @cached_property
    def fingerprint(self) -> str:
        """Hash of all settings that decide the output: 16 hexadecimal digits of a SHA-256."""
        return _digest(self.deciding)

    @cached_property
    def deciding(self) -> str:
        """JSON of all settings that decide the output, of which the fingerprint is a hash."""
        return self._json("chunk", "detect", "track", "redact", "encode", "output", "on_damage")

    def deciding_pictures(self, labels: Iterable[str]) -> str:
        """Return the JSON of all settings that decide what is encoded, once it is known where.

        Parameters
        ----------
        labels
            Labels of the regions that are hidden.
        """
        _, settings = json.loads(self.deciding)
        for name in ("chunk", "detect", "track", "labels", "on_damage"):  # They decide where.
            settings.pop(name, None)
        shown = {label: self.redact_of(label).model_dump(mode="json") for label in labels}
        return json.dumps([settings, shown], sort_keys=True)

    @cached_property
    def detection_fingerprint(self) -> str:
        """Hash of all settings that decide the detections of a chunk: 16 hexadecimal digits."""
        return _digest(self._json("chunk", "detect"))

    def _json(self, *names: str) -> str:
        settings = self.model_dump(mode="json", include=set(names))
        # How a video is cut decides nothing by itself.
        settings["chunk"]["seconds"] = self.chunk.seconds or LONGEST_CHUNK_S
        for name, only in (("begin", "kept"), ("streams", "all")):
            if getattr(self.output, name) == only:  # Earlier versions knew nothing else.
                settings.get("output", {}).pop(name, None)
        if self.encode.codec == "auto":  # So it is of copies of H.264 that earlier versions made.
            settings.get("encode", {}).pop("codec", None)
        settings["detect"]["options"] = {
            name: detectors.options(name, self.detect.options.get(name, {})).model_dump(mode="json")
            for name in self.detect.detectors
        }
        if "track" in names and (labels := self._labels_that_differ()):
            settings["labels"] = labels
        if "track" in names and self.zones:
            settings |= self.model_dump(mode="json", include={"zones"})
        return json.dumps(["", settings], sort_keys=True)

    def _labels_that_differ(self) -> dict[str, Any]:
        """Return what decides the output of each label that is not treated as all others are."""
        general = (self.track, self.redact)
        own = {label: (self.track_of(label), self.redact_of(label)) for label in self.labels}
        differing = {
            label: [section.model_dump(mode="json") for section in sections]
            for label, sections in own.items()
            if self.hides(label) and sections != general
        }
        return differing | {label: "shown" for label in self.labels if not self.hides(label)}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def load(
    file: str | Path | None = None,
    assignments: Iterable[str] = (),
    overrides: Mapping[str, Any] | None = None,
) -> Config:
    """Build the configuration from a file, then assignments, then overrides; the later win.

    Parameters
    ----------
    file
        Path of a YAML file with the sections of `Config`.
    assignments
        Settings in the form ``section.key=value``, with the value in YAML.
    overrides
        Settings nested like those of the file.

    Raises
    ------
    ConfigError
        The file cannot be read, or a key or value is wrong; the message names it.
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
