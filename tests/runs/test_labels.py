"""Faces and plates in one video: each label is tracked, hidden and noted as it is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from decoded import pictures
from filmed import FRAMES, HEIGHT, filmed, told
from five_stages import AUTO, Done, published
from fixture_types import Ffmpeg, Redact

from redact_dask.records import Region

FACE = (40.0, 40.0, 80.0, 80.0)
PLATE = (120.0, 60.0, 160.0, 80.0)


@pytest.fixture(scope="module")
def film(ffmpeg: Ffmpeg, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A magenta square on grey."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    return filmed(path, [FACE] * FRAMES, ffmpeg)


def with_plates(names: list[str], confidence: float = 0.9) -> dict[str, Any]:
    """Return the section ``detect`` of detectors of which ``told`` sees plates."""
    detect = told([PLATE] * FRAMES, detectors=names, every=1)
    script = [[(*PLATE, confidence)]] * FRAMES
    return detect | {"options": {"told": {"script": script, "label": "plate"}}}


BOTH = with_plates(["magenta", "told"])


def by_label(done: Done) -> dict[str, list[Region]]:
    found: dict[str, list[Region]] = {}
    for region in done.joined.regions:
        found.setdefault(region.label, []).append(region)
    return found


def test_a_region_tells_what_is_there_and_who_saw_it(redact: Redact, film: Path) -> None:
    done = redact(film, detect=BOTH)
    kinds = {(region.label, region.detectors) for region in done.joined.regions}
    assert kinds == {("face", "magenta"), ("plate", "told")}
    assert done.tracked[0].tracks == (("face", 1), ("plate", 1))


def test_each_label_has_settings_of_its_own(redact: Redact, film: Path) -> None:
    own = {"track": {"margin": 0.5}, "redact": {"style": "solid"}}
    done = redact(
        film,
        detect=BOTH,
        track={"margin": 0.0, "slack": 0.0},
        redact={"style": "pixelate"},
        labels={"plate": own},
    )
    found = by_label(done)
    assert {(r.x0, r.y0, r.x1, r.y1) for r in found["face"]} == {FACE}
    assert {(r.x0, r.y0, r.x1, r.y1) for r in found["plate"]} == {(100.0, 50.0, 180.0, 90.0)}
    for picture in pictures(published(done)):
        luma = picture[:HEIGHT]
        assert luma[50:90, 100:180].max() == 16
        assert luma[40:80, 40:80].min() > 60


def test_what_is_only_noted_is_not_hidden(redact: Redact, film: Path) -> None:
    done = redact(film, detect=BOTH, labels={"plate": {"hide": False}})
    assert {row.label for seen in done.detected for row in seen.detections} == {"face", "plate"}
    assert [*by_label(done)] == ["face"]
    alone = redact(film, detect=with_plates(["magenta"]))
    faces = by_label(alone)["face"]
    assert by_label(done)["face"] == faces


def test_a_video_with_nothing_but_noted_things_is_copied(redact: Redact, film: Path) -> None:
    done = redact(
        film,
        detect=with_plates(["told"]),
        labels={"plate": {"hide": False}},
        encode=AUTO,
    )
    assert len(done.detected[0].detections) > 0
    assert sum(made.copied for made in done.rendered) == FRAMES
    before, after = pictures(film), pictures(published(done))
    assert all(np.array_equal(was, now) for was, now in zip(before, after, strict=True))


def test_a_label_has_its_own_proof_of_a_track(redact: Redact, film: Path) -> None:
    doubtful = with_plates(["told"], confidence=0.35)
    assert [*by_label(redact(film, detect=doubtful))] == ["plate"]
    strict = redact(film, detect=doubtful, labels={"plate": {"track": {"start": 0.4}}})
    assert not by_label(strict)
