"""Amazon Rekognition, as the detector meets it: with real boto3 and a server that may fail."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fixture_types import StartStandin
from numpy.typing import NDArray

from redact_dask import detectors
from redact_dask.detectors import Box
from redact_dask.detectors.rekognition import Rekognition
from redact_dask.detectors.rekognition_pictures import is_whole
from redact_dask.errors import CheckFailed, ConfigError, RunEnded, UnsupportedVideo, UsageError
from redact_dask.records import Usage

PICTURES = 40


def make(**options: object) -> Rekognition:
    made = detectors.create("rekognition", {"tps": 1000, **options})
    assert isinstance(made, Rekognition)
    return made


@pytest.fixture(scope="module")
def pictures() -> NDArray[np.uint8]:
    """Grey pictures, each with a magenta square in a place of its own."""
    images = np.full((PICTURES, 180, 320, 3), 128, np.uint8)
    for number, image in enumerate(images):
        image[60:100, 4 * number : 4 * number + 40] = (255, 0, 255)
    return images


def test_faces_are_found_where_they_are(standin: StartStandin, pictures: NDArray[np.uint8]) -> None:
    standin("--faces", "magenta", "--latency", 0)
    for number, boxes in enumerate(make().detect(pictures)):
        (box,) = boxes
        corners = (box.x0, box.y0, box.x1, box.y1)
        assert corners == pytest.approx((4 * number, 60, 4 * number + 40, 100), abs=3)
        assert box.confidence == pytest.approx(0.99)
        assert box.label == "face"


def test_many_calls_are_in_flight_but_no_more_than_allowed(
    standin: StartStandin, pictures: NDArray[np.uint8]
) -> None:
    service = standin("--latency", 0.5)
    detector = make(in_flight=16)
    start = time.monotonic()
    answers = detector.detect(pictures)
    assert len(list(answers)) == PICTURES
    assert time.monotonic() - start < 0.5 * PICTURES / 4
    assert service.stats()["in_flight_max"] == 16
    assert detector.usage == Usage(calls=PICTURES)


def test_boxes_are_cut_at_the_border_and_unsure_ones_left_out(
    standin: StartStandin, tmp_path: Path, pictures: NDArray[np.uint8]
) -> None:
    faces = tmp_path / "faces.json"
    rows = [
        [-0.1, -0.2, 0.2, 0.4, 0.9],
        [0.9, 0.8, 0.3, 0.3, 0.8],
        [0.4, 0.4, 0.1, 0.1, 0.05],
    ]
    faces.write_text(json.dumps(rows))
    standin("--latency", 0, "--faces", faces)
    (boxes,) = make().detect(pictures[:1])
    near = pytest.approx
    assert [(b.x0, b.y0, b.x1, b.y1) for b in boxes] == [
        (0, 0, near(32), near(36)),
        (near(288), near(144), 320, 180),
    ]


@pytest.mark.parametrize(
    "failures",
    [["--error-share", 0.3], ["--drop-share", 0.3], ["--garbage-share", 0.3]],
    ids=["errors", "dropped", "garbage"],
)
def test_failures_of_the_service_change_no_answer(
    failures: list[object], standin: StartStandin, pictures: NDArray[np.uint8]
) -> None:
    standin("--faces", "magenta", "--latency", 0)
    undisturbed = list(make().detect(pictures))
    standin("--faces", "magenta", "--latency", 0, *failures)
    detector = make()
    assert list(detector.detect(pictures)) == undisturbed
    assert all(undisturbed)
    assert detector.usage.retried > 3


def test_a_late_answer_is_asked_for_again(
    standin: StartStandin, pictures: NDArray[np.uint8]
) -> None:
    standin("--latency", 0, "--slow-share", 0.3, "--slow-seconds", 20)
    detector = make(timeout_s=0.5)
    assert all(detector.detect(pictures))
    assert detector.usage.retried > 3


def test_too_many_calls_are_made_again_later(
    standin: StartStandin, pictures: NDArray[np.uint8]
) -> None:
    service = standin("--latency", 0, "--tps", 10)
    detector = make(tps=40)
    assert all(detector.detect(pictures))
    assert detector.usage.calls == PICTURES == service.stats()["calls"]
    assert detector.usage.throttled == service.stats()["throttled"] > 0
    assert detector.usage.retried == 0


def test_a_wrong_permission_ends_the_run_at_once(
    standin: StartStandin, pictures: NDArray[np.uint8]
) -> None:
    service = standin("--latency", 0.1, "--deny")
    detector = make(in_flight=4)
    with pytest.raises(RunEnded, match=r"AccessDeniedException.*see what your credentials may do"):
        list(detector.detect(pictures))
    assert service.stats()["denied"] <= 8


def test_a_service_that_is_not_there_ends_the_run(
    standin: StartStandin, pictures: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    standin().close()
    monkeypatch.setattr("redact_dask.detectors.rekognition.LONGEST_PAUSE_S", 0.01)
    with pytest.raises(RunEnded, match="does not answer"):
        list(make().detect(pictures[:1]))


def test_a_picture_that_is_refused_fails_its_video_only(
    standin: StartStandin, pictures: NDArray[np.uint8]
) -> None:
    standin("--latency", 0)
    detector = make()
    with pytest.raises(UnsupportedVideo, match=r"refuses a picture.*InvalidParameterException"):
        list(detector.detect(pictures[:1, :60]))
    assert all(detector.detect(pictures[:1]))


def test_a_picture_that_always_fails_fails_its_video_only(
    standin: StartStandin, pictures: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    standin("--latency", 0, "--error-share", 1)
    monkeypatch.setattr("redact_dask.detectors.rekognition.LONGEST_PAUSE_S", 0.01)
    with pytest.raises(CheckFailed, match=r"failed 8 times.*InternalServerError"):
        list(make().detect(pictures[:1]))


def test_a_picture_of_noise_is_made_small_enough(standin: StartStandin) -> None:
    service = standin("--latency", 0)
    noise = np.random.default_rng(0).integers(0, 256, (1, 3000, 4000, 3), np.uint8)
    assert all(make(long_side=4000).detect(noise))
    assert service.stats()["bytes"] <= 5 * 2**20


@pytest.mark.parametrize(
    ("picture", "sent"),
    [
        ((1920, 1080), (1280, 720)),
        ((1080, 1920), (720, 1280)),
        ((640, 360), (640, 360)),
        ((64, 36), (142, 80)),
        ((3000, 90), (2667, 80)),
    ],
)
def test_size_of_the_picture_that_is_sent(
    standin: StartStandin, picture: tuple[int, int], sent: tuple[int, int]
) -> None:
    standin()
    assert make().input_size(*picture) == sent


@pytest.mark.parametrize(
    ("variable", "words"),
    [("AWS_ACCESS_KEY_ID", "credentials"), ("AWS_DEFAULT_REGION", "region")],
)
def test_what_is_missing_is_told_before_the_run(
    variable: str, words: str, standin: StartStandin, monkeypatch: pytest.MonkeyPatch
) -> None:
    standin()
    monkeypatch.delenv(variable)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(UsageError, match=words):
        make()


def test_prices_fall_with_the_number_of_pictures_of_the_month() -> None:
    options = Rekognition.Options()
    assert options.dollars(1000) == pytest.approx(1.0)
    assert options.dollars(1_000_000) == pytest.approx(1000)
    assert options.dollars(2_000_000) == pytest.approx(1800)
    assert options.dollars(1000, before=1_000_000) == pytest.approx(0.8)
    assert options.dollars(6_000_000) == pytest.approx(1000 + 3200 + 600)
    assert Rekognition.Options(calls_this_month=5_000_000).dollars(1000) == pytest.approx(0.6)


def test_a_rate_decides_no_answer() -> None:
    settings = Rekognition.Options(tps=3, in_flight=2, calls_this_month=7)
    assert settings.model_dump() == Rekognition.Options().model_dump()
    assert settings.model_dump() != Rekognition.Options(quality=80).model_dump()


def test_answers_come_in_the_order_of_the_pictures(
    standin: StartStandin, pictures: NDArray[np.uint8]
) -> None:
    standin("--faces", "magenta", "--latency", 0, "--slow-share", 0.5, "--slow-seconds", 0.3)
    found: list[list[Box]] = list(make().detect(pictures))
    lefts = [boxes[0].x0 for boxes in found]
    assert lefts == sorted(lefts)


def test_a_picture_with_more_faces_than_the_service_tells_is_asked_for_in_quarters(
    standin: StartStandin,
) -> None:
    service = standin("--latency", 0, "--faces", "magenta")
    crowd = np.full((1, 720, 1280, 3), 128, np.uint8)
    squares = []
    for number in range(15 * 12):
        x, y, side = 20 + 84 * (number % 15), 12 + 60 * (number // 15), 16 + number % 18
        squares.append((x, y, x + side, y + side))
        crowd[0, y : y + side, x : x + side] = (255, 0, 255)
    detector = make()
    (boxes,) = detector.detect(crowd)
    corners = np.array([(box.x0, box.y0, box.x1, box.y1) for box in boxes])
    for square in squares:
        assert np.abs(corners - square).max(axis=1).min() <= 3
    assert detector.usage.calls == service.stats()["calls"] == 5


def test_a_picture_that_is_full_of_faces_everywhere_fails_its_video_for_good(
    standin: StartStandin, tmp_path: Path, pictures: NDArray[np.uint8]
) -> None:
    faces = tmp_path / "faces.json"
    faces.write_text(json.dumps([[n / 200, 0.1, 0.01, 0.01, 0.9] for n in range(120)]))
    service = standin("--latency", 0, "--faces", faces)
    with pytest.raises(UnsupportedVideo, match="cut into 16, shows 100 faces"):
        list(make().detect(pictures[:1]))
    assert service.stats()["calls"] <= 21


def test_no_call_is_made_after_all_are_abandoned(
    standin: StartStandin, pictures: NDArray[np.uint8]
) -> None:
    service = standin("--latency", 0.2)
    detector = make(in_flight=64, tps=20)
    answers = detector.detect(pictures)
    next(answers)
    detector.abandon()
    made = detector.usage.calls
    assert 0 < made < PICTURES / 2
    time.sleep(0.5)
    assert detector.usage.calls == service.stats()["calls"] == made
    assert all(detector.detect(pictures[:1]))


BOX = {"Left": 0.1, "Top": 0.1, "Width": 0.1, "Height": 0.1}


@pytest.mark.parametrize(
    "face",
    [
        None,
        {},
        {"BoundingBox": BOX},
        {"BoundingBox": BOX, "Confidence": float("nan")},
        {"BoundingBox": BOX, "Confidence": 101},
        {"BoundingBox": BOX | {"Left": float("nan")}, "Confidence": 99},
        {"BoundingBox": BOX | {"Width": -0.1}, "Confidence": 99},
        {"BoundingBox": BOX | {"Left": 5, "Top": 10}, "Confidence": 99},
        {"BoundingBox": BOX | {"Top": None}, "Confidence": 99},
    ],
)
def test_what_is_no_face_is_no_answer(face: Any) -> None:
    assert not is_whole(face)
    assert is_whole({"BoundingBox": BOX, "Confidence": 99})
    assert is_whole({"BoundingBox": BOX | {"Left": -0.05}, "Confidence": 99})


@pytest.mark.parametrize(
    "prices",
    [[[1000, 0.1]], [[None, -1]], [[2000, 0.1], [1000, 0.1], [None, 0.1]], [[None, 1], [None, 1]]],
)
def test_prices_that_leave_a_picture_without_price_are_refused(prices: Any) -> None:
    with pytest.raises(ConfigError, match="borders must rise"):
        detectors.options("rekognition", {"prices": prices})
