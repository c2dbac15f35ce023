"""A gate: thresholds that a configuration's figures must keep."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from redact_dask.bench.leakage.dataset import Dataset
from redact_dask.bench.leakage.measure import Result
from redact_dask.bench.leakage.metric import Leakage
from redact_dask.errors import ConfigError
from redact_dask.records import FACE
from redact_dask.validation import first_mistake


class Thresholds(BaseModel):
    """Thresholds that the figures of a label must keep; None: the threshold is not checked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    leakage: float | None = Field(None, ge=0, le=1)
    """Largest share of what is readable that may leak."""
    tracks_exposed: int | None = Field(None, ge=0)
    """Most tracks that may leak on at least one frame."""
    longest_exposure: int | None = Field(None, ge=0)
    """Most consecutive frames on which a track may leak."""
    longest_exposure_of_found: int | None = Field(None, ge=0)
    """Most consecutive frames on which a track may leak that is protected on another frame."""
    over_blur: float | None = Field(None, ge=0, le=1)
    """Largest share of the pixels that may be hidden outside true boxes, by either measure."""

    def failures(self, subject: str, found: Leakage) -> list[str]:
        """Return a sentence for each threshold that the figures fail."""
        measured = asdict(found) | {"over_blur": max(found.over_blur, found.over_blur_by_pixels)}
        return [
            f"{key}{subject} is {measured[key]:.4g}, more than {limit:g}"
            for key in Thresholds.model_fields
            if (limit := getattr(self, key)) is not None and measured[key] > limit
        ]


class Gate(Thresholds):
    """Thresholds that results must keep, those of each label among them."""

    touched: float | None = Field(None, ge=0, le=1)
    """Largest share of pixels that may be hidden on face-free clips, by regions or by pixels."""
    frames_per_second: float | None = Field(None, gt=0)
    """Lowest speed allowed."""
    labels: dict[str, Thresholds] = Field(default_factory=dict)
    """Thresholds of one label; what is not given for it is as for all."""

    def of(self, label: str) -> Thresholds:
        """Return the thresholds of a label."""
        own = self.labels.get(label, Thresholds())
        return self.model_copy(update={key: getattr(own, key) for key in own.model_fields_set})

    def failures_of(self, result: Result) -> list[str]:
        """Return a sentence for each threshold that a result fails."""
        failures = [
            sentence
            for label, found in result.labels.items()
            for sentence in self.of(label).failures(
                "" if label == FACE else f" of {label}", found.leakage
            )
        ]
        touched = max(result.touched or 0.0, result.touched_by_pixels or 0.0)
        if self.touched is not None and touched > self.touched:
            failures.append(f"touched is {touched:.4g}, more than {self.touched:g}")
        speed = result.frames_per_second
        if self.frames_per_second is not None and speed < self.frames_per_second:
            failures.append(
                f"frames_per_second is {speed:.4g}, less than {self.frames_per_second:g}"
            )
        return [f"{result.name}: {sentence}" for sentence in failures]


def read(file: Path, dataset: Dataset) -> Gate:
    """Read thresholds from a YAML file.

    Raises
    ------
    ConfigError
        The file cannot be read, a threshold is unknown or wrong, or the dataset lacks what is
        needed to check it.
    """
    try:
        gate = Gate.model_validate(yaml.safe_load(file.read_text()))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"cannot read the gate {file}: {' '.join(str(error).split())}") from None
    except ValidationError as error:
        key, wrong = first_mistake(error, Gate)
        raise ConfigError(f"the gate {file}: {key or 'it'}: {wrong}") from None
    if gate.touched is not None and not dataset.face_free:
        raise ConfigError(f"the gate {file} has touched, which needs a clip named by --face-free")
    known = {label for clip in dataset.truth for label in dataset.labels_of(clip)}
    for label in sorted(gate.labels.keys() - known):
        raise ConfigError(f"the gate {file} has labels.{label}, but the truth has no {label}")
    return gate
