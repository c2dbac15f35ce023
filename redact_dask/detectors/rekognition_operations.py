"""The operations of Amazon Rekognition: what each is asked, and what its answer tells.

The forms of requests and answers are those of
https://docs.aws.amazon.com/rekognition/latest/APIReference/API_Operations_Amazon_Rekognition.html.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from redact_dask.detectors.rekognition_options import (
    LabelOptions,
    ModerationOptions,
    RekognitionOptions,
    TextOptions,
)

MOST = 100
"""Most faces, or words, that the service returns for a picture; it does not say whether there are
more."""

Answer = Mapping[str, Any]


class Thing(NamedTuple):
    """What an answer says is on the picture."""

    label: str
    confidence: float
    """Between 0 and 1."""
    sides: Mapping[str, float] | None
    """Left, Top, Width and Height as shares of the picture's; None: it is the whole picture."""


class Told(NamedTuple):
    """What an answer tells."""

    things: list[Thing]
    counted: int = 0
    """How many things there are of which the service returns `MOST` at most."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the service, as the options want it."""

    name: str
    method: str
    """Name of the client's method."""
    threshold: float
    """Least confidence of what it finds, 0 to 1."""
    parameters: Mapping[str, Any]
    """What the method is given besides the picture."""
    read: Callable[[Answer], Told]
    """Reads an answer; raises `LookupError`, `TypeError` or `ValueError` if it is none."""
    counts: str = ""
    """What `Told.counted` counts."""


def asked_for(options: RekognitionOptions) -> list[Operation]:
    """Return the operations that the options name, in a fixed order."""
    known = {
        "faces": Operation(
            "faces", "detect_faces", options.threshold, {"Attributes": ["DEFAULT"]}, _faces, "faces"
        ),
        "text": _text(options.text),
        "labels": _labels(options.labels),
        "moderation": _moderation(options.moderation),
    }
    return [known[name] for name in options.operations]


def _faces(answer: Answer) -> Told:
    found = [_placed("face", face, face["BoundingBox"]) for face in _list(answer, "FaceDetails")]
    return Told(found, len(found))


def _text(options: TextOptions) -> Operation:
    """Return DetectText: each line is a box, and each word that is in no line that is one."""
    pattern = re.compile(options.pattern or "")

    def read(answer: Answer) -> Told:
        found = _list(answer, "TextDetections")
        kinds = [one["Type"] for one in found]
        if not {*kinds} <= {"LINE", "WORD"}:
            raise ValueError(f"its types are {kinds}")
        matching = [one for one in found if pattern.search(one["DetectedText"])]
        lines = {one["Id"] for one in matching if one["Type"] == "LINE"}
        boxes = [one for one in matching if one["Id"] in lines or one.get("ParentId") not in lines]
        things = [_placed("text", one, one["Geometry"]["BoundingBox"]) for one in boxes]
        return Told(things, kinds.count("WORD"))

    # By default, the service keeps back words below 80, and nobody would know that there are more.
    parameters = {"Filters": {"WordFilter": {"MinConfidence": 0.0}}}
    return Operation("text", "detect_text", options.threshold, parameters, read, "words")


def _labels(options: LabelOptions) -> Operation:
    """Return DetectLabels; a label that the service places nowhere is on the whole picture."""

    def read(answer: Answer) -> Told:
        things = []
        for label in _list(answer, "Labels"):
            instances = _list(label, "Instances") if "Instances" in label else []
            things += [_placed(label["Name"], one, one["BoundingBox"]) for one in instances]
            if not instances:
                things.append(_everywhere(label))
        return Told(things)

    filters = {"GeneralLabels": {"LabelInclusionFilters": [*options.names]}}
    parameters = {"MinConfidence": 100 * options.threshold, "Settings": filters}
    return Operation("labels", "detect_labels", options.threshold, parameters, read)


def _moderation(options: ModerationOptions) -> Operation:
    """Return DetectModerationLabels, whose labels are on the whole picture."""
    names = {name.casefold() for name in options.names}

    def counts(label: Mapping[str, Any]) -> bool:
        return label["Name"].casefold() in names if names else not label.get("ParentName")

    def read(answer: Answer) -> Told:
        found = _list(answer, "ModerationLabels")
        return Told([_everywhere(label) for label in found if counts(label)])

    parameters = {"MinConfidence": 100 * options.threshold}
    return Operation("moderation", "detect_moderation_labels", options.threshold, parameters, read)


def _list(answer: Answer, key: str) -> list[Any]:
    """Return a list of an answer: the client turns one that is not JSON into one without lists."""
    found = answer[key]
    if not isinstance(found, list):
        raise TypeError(f"{key} is {found}")
    return found


def _placed(label: str, found: Mapping[str, Any], sides: Mapping[str, Any]) -> Thing:
    """Return a thing with a confidence, and a box that touches the picture."""
    left, top, width, height = (float(sides[side]) for side in ("Left", "Top", "Width", "Height"))
    across = max(left, 0) < min(left + width, 1)
    down = max(top, 0) < min(top + height, 1)
    if not (across and down):
        raise ValueError(f"it answered {found}, which is not on the picture")
    return _everywhere({"Name": label, **found})._replace(sides=sides)


def _everywhere(found: Mapping[str, Any]) -> Thing:
    """Return a thing with a confidence that is on the whole picture."""
    name, confidence = found["Name"], float(found["Confidence"])
    if not (isinstance(name, str) and name and 0 <= confidence <= 100):
        raise ValueError(f"it answered {found}, which has no name or no confidence")
    return Thing(name, confidence / 100, None)
