"""What the stand-in for Amazon Rekognition finds besides faces, the same on each picture.

A scene is a JSON file of words, labels and moderation labels; places are left, top, width and
height as shares of the picture's sides, and confidences lie between 0 and 1::

    {
      "text": [{"text": "AB 123", "place": [0.1, 0.7, 0.2, 0.05], "confidence": 0.9}],
      "labels": [{"name": "Car", "confidence": 0.9, "places": [[0.5, 0.5, 0.2, 0.2]]}],
      "moderation": [{"name": "Weapons", "parent": "Violence", "confidence": 0.8}]
    }

Filters of a request, and what the service does without them, follow its documentation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

MOST_WORDS = 100
LEAST_WORD, LEAST_LABEL, LEAST_MODERATION = 80.0, 55.0, 50.0
"""Least confidences of what is answered where a request says nothing, per cent."""
MOST_LABELS = 1000

Row = Mapping[str, Any]
Scene = Mapping[str, Sequence[Row]]

STREET: Scene = {
    "text": [{"text": "AB 123 CD", "place": [0.1, 0.7, 0.2, 0.06], "confidence": 0.9}],
    "labels": [{"name": "Car", "confidence": 0.95, "places": [[0.05, 0.5, 0.3, 0.3]]}],
    "moderation": [],
}


def text(scene: Scene, parameters: Row) -> dict[str, Any]:
    """Return the answer of DetectText: each row is a line, whose words are equally long."""
    wanted = parameters.get("Filters", {}).get("WordFilter", {})
    lines: list[dict[str, Any]] = []
    words: list[dict[str, Any]] = []
    for row in scene["text"]:
        own = [word for word in _words(row, len(lines)) if _passes(word, wanted)]
        own = own[: MOST_WORDS - len(words)]
        if own:
            line = _reading(row["text"], "LINE", row["place"], row["confidence"])
            lines.append(line | {"Id": len(lines)})
            words += own
    found = lines + [word | {"Id": n} for n, word in enumerate(words, len(lines))]
    return {"TextDetections": found, "TextModelVersion": "3.0"}


def labels(scene: Scene, parameters: Row) -> dict[str, Any]:
    """Return the answer of DetectLabels: a label with places has an instance at each."""
    settings = parameters.get("Settings", {}).get("GeneralLabels", {})
    wanted = settings.get("LabelInclusionFilters")
    least = parameters.get("MinConfidence", LEAST_LABEL)
    found = []
    for row in scene["labels"]:
        percent = 100 * row["confidence"]
        if percent < least or (wanted and row["name"] not in wanted):
            continue
        instances = [
            {"BoundingBox": _sides(place), "Confidence": percent} for place in row["places"]
        ]
        label = {"Name": row["name"], "Confidence": percent, "Instances": instances}
        found.append(label | {"Parents": [], "Aliases": [], "Categories": []})
    found.sort(key=lambda label: -label["Confidence"])
    most = parameters.get("MaxLabels", MOST_LABELS)
    return {"Labels": found[:most], "LabelModelVersion": "3.0"}


def moderation(scene: Scene, parameters: Row) -> dict[str, Any]:
    """Return the answer of DetectModerationLabels: each label, and the one that it belongs to."""
    least = parameters.get("MinConfidence", LEAST_MODERATION)
    found: dict[str, dict[str, Any]] = {}
    for row in scene["moderation"]:
        percent, parent = 100 * row["confidence"], row.get("parent", "")
        if percent < least:
            continue
        if parent:
            found.setdefault(parent, _moderation(parent, "", 1, percent))
        found[row["name"]] = _moderation(row["name"], parent, 2 if parent else 1, percent)
    return {"ModerationLabels": [*found.values()], "ModerationModelVersion": "7.0"}


def _words(row: Row, line: int) -> list[dict[str, Any]]:
    left, top, width, height = row["place"]
    words = row["text"].split()
    across = width / len(words)
    return [
        _reading(word, "WORD", (left + n * across, top, across, height), row["confidence"])
        | {"ParentId": line}
        for n, word in enumerate(words)
    ]


def _passes(word: Row, wanted: Row) -> bool:
    sides = word["Geometry"]["BoundingBox"]
    return bool(
        word["Confidence"] >= wanted.get("MinConfidence", LEAST_WORD)
        and sides["Height"] >= wanted.get("MinBoundingBoxHeight", 0)
        and sides["Width"] >= wanted.get("MinBoundingBoxWidth", 0)
    )


def _reading(text: str, kind: str, place: Sequence[float], confidence: float) -> dict[str, Any]:
    left, top, width, height = place
    corners = ((left, top), (left + width, top), (left + width, top + height), (left, top + height))
    return {
        "DetectedText": text,
        "Type": kind,
        "Confidence": 100 * confidence,
        "Geometry": {
            "BoundingBox": _sides(place),
            "Polygon": [{"X": x, "Y": y} for x, y in corners],
        },
    }


def _sides(place: Sequence[float]) -> dict[str, float]:
    return dict(zip(("Left", "Top", "Width", "Height"), map(float, place), strict=True))


def _moderation(name: str, parent: str, level: int, percent: float) -> dict[str, Any]:
    return {"Name": name, "ParentName": parent, "TaxonomyLevel": level, "Confidence": percent}
