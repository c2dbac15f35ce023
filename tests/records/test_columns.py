"""Columns hold what rows hold, and take less."""

from __future__ import annotations

import pickle
from collections.abc import Callable

import pytest

from redact_dask.records import Detection, Detections, Region, RegionOrigin, Regions

SEEN = [
    Detection(0, 1.5, 2, 30.25, 40, 0.9, "plate", "yolo"),
    Detection(0, 5, 6, 7, 8, 0.1, "face", "faces"),
    Detection(7, 5, 6, 7, 8, 0.1, "face", "yolo"),
]
HIDDEN = [
    Region(0, 3, 1.5, 2, 30.25, 40, RegionOrigin.DETECTED, "face", "told"),
    Region(4, 0, 5, 6, 7, 8, RegionOrigin.PADDED, "plate", "plates,yolo"),
    Region(4, 3, 5, 6, 7, 8, RegionOrigin.INTERPOLATED, "face", "told"),
]


def test_rows_come_back() -> None:
    assert [*Detections.of(SEEN)] == SEEN
    assert [*Regions.of(HIDDEN)] == HIDDEN
    assert len(Detections.of([])) == len(Regions.of([])) == 0


@pytest.mark.parametrize("columns", [Detections.of(SEEN), Regions.of(HIDDEN), Regions.of([])])
def test_a_file_comes_back(columns: Detections | Regions) -> None:
    content = columns.to_bytes()
    assert type(columns).from_bytes(content) == columns
    assert content == columns.to_bytes(), "the same columns make the same file"


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda _: b"text",
        lambda content: content[: len(content) // 2],
        lambda content: content.replace(content[300:310], bytes(10)),
        lambda content: content[:-60] + bytes(2) + content[-58:],
        lambda _: Detections.of(SEEN).to_bytes(),
    ],
)
def test_a_damaged_file_is_refused(damage: Callable[[bytes], bytes]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (NumPy's sentences are its own)
        Regions.from_bytes(damage(Regions.of(HIDDEN).to_bytes()))


def test_parts_are_joined_though_their_kinds_differ() -> None:
    parts = [Detections.of([seen]) for seen in SEEN]
    assert Detections.joined(parts) == Detections.of(SEEN)
    assert Detections.joined([]) == Detections.of([])
    assert Regions.joined([Regions.of(HIDDEN[:1]), Regions.of(HIDDEN[1:])]) == Regions.of(HIDDEN)


def test_regions_of_frames_are_found() -> None:
    regions = Regions.of(HIDDEN)
    assert [*regions.within(range(1, 5))] == HIDDEN[1:]
    assert [*regions.within(range(5, 9))] == []


def test_other_rows_are_others() -> None:
    regions = Regions.of(HIDDEN)
    assert regions != Regions.of(HIDDEN[1:])
    assert regions.digest == Regions.of(HIDDEN).digest
    moved = Regions(
        regions.frame + 1, regions.track, regions.box, regions.origin, regions.kind, regions.kinds
    )
    assert moved != regions
    assert moved.digest != regions.digest


def test_two_million_fit_into_a_hundred_mib() -> None:
    many = Regions.of(HIDDEN * 1000)
    assert len(pickle.dumps(many)) / len(many) < 48, (
        "bytes for each, of which 2.2 million are an hour"
    )
