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
from redact_dask.detectors.rekognition_operations import asked_for
from redact_dask.detectors.rekognition_pictures import Picture
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
    assert detector.usage == Usage(calls=PICTURES, by_operation={"faces": PICTURES})


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


def price(looks: int, before: int = 0, **settings: Any) -> float:
    options = Rekognition.Options(**settings)
    return options.dollars(options.usage_of(looks), options.usage_of(before))


def test_prices_fall_with_the_number_of_pictures_of_the_month() -> None:
    assert price(1000) == pytest.approx(1.0)
    assert price(1_000_000) == pytest.approx(1000)
    assert price(2_000_000) == pytest.approx(1800)
    assert price(1000, before=1_000_000) == pytest.approx(0.8)
    assert price(6_000_000) == pytest.approx(1000 + 3200 + 600)
    assert price(1000, calls_this_month=5_000_000) == pytest.approx(0.6)


def test_each_operation_has_price_steps_of_its_own() -> None:
    text = {"calls_this_month": 999_000, "prices": [[1_000_000, 0.01], [None, 0.002]]}
    both = {"operations": ["text", "faces"], "text": text}
    assert price(2000, **both) == pytest.approx(2 + 1000 * 0.01 + 1000 * 0.002)
    assert price(2000, before=2000, **both) == pytest.approx(2 + 2000 * 0.002)


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
    read = asked_for(Rekognition.Options())[0].read
    with pytest.raises((LookupError, TypeError, ValueError)):
        read({"FaceDetails": [face]})
    left_of_it = {"BoundingBox": BOX | {"Left": -0.05}, "Confidence": 99}
    assert len(read({"FaceDetails": [{"BoundingBox": BOX, "Confidence": 99}, left_of_it]})[0]) == 2


@pytest.mark.parametrize(
    "prices",
    [[[1000, 0.1]], [[None, -1]], [[2000, 0.1], [1000, 0.1], [None, 0.1]], [[None, 1], [None, 1]]],
)
def test_prices_that_leave_a_picture_without_price_are_refused(prices: Any) -> None:
    with pytest.raises(ConfigError, match="borders must rise"):
        detectors.options("rekognition", {"prices": prices})


ALL = ["faces", "text", "labels", "moderation"]
WHOLE = (0, 0, 320, 180)


def found_in(
    standin: StartStandin, folder: Path, scene: dict[str, Any], **options: Any
) -> dict[str, list[tuple[float, ...]]]:
    """Return the boxes of one grey picture by label, rounded to pixels."""
    (folder / "scene.json").write_text(json.dumps(scene))
    standin("--latency", 0, "--faces", "magenta", "--scene", folder / "scene.json")
    (boxes,) = make(**options).detect(np.full((1, 180, 320, 3), 128, np.uint8))
    found: dict[str, list[tuple[float, ...]]] = {}
    for box in boxes:
        corners = tuple(map(round, (box.x0, box.y0, box.x1, box.y1)))
        found.setdefault(box.label, []).append(corners)
    return found


def test_four_operations_look_at_one_jpeg_of_each_picture(
    standin: StartStandin, pictures: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[object] = []
    of = Picture.of

    def counted(image: NDArray[np.uint8], quality: int) -> Picture:
        made.append(image)
        return of(image, quality)

    monkeypatch.setattr(Picture, "of", staticmethod(counted))
    service = standin("--latency", 0, "--faces", "magenta")
    detector = make(operations=ALL, labels={"names": ["Car"]}, in_flight=3)
    answers = list(detector.detect(pictures))
    assert len(answers) == PICTURES
    for boxes in answers:
        assert {box.label for box in boxes} == {"face", "text", "Car"}
    told = service.stats()
    assert told["pictures"] == len(made) == PICTURES
    assert {*told["by_operation"].values()} == {PICTURES}
    assert detector.usage == Usage(4 * PICTURES, by_operation=dict.fromkeys(ALL, PICTURES))


def test_text_is_boxed_by_line_and_doubtful_words_are_told(
    standin: StartStandin, tmp_path: Path
) -> None:
    place, low = [0.25, 0.5, 0.25, 0.1], [0, 0.9, 0.25, 0.1]
    scene = {
        "text": [
            {"text": "AB 123", "place": place, "confidence": 0.6},
            {"text": "no", "place": low, "confidence": 0.4},
        ]
    }
    found = found_in(standin, tmp_path, scene, operations=["text"])
    assert found == {"text": [(80, 90, 160, 108)]}
    doubtful = found_in(standin, tmp_path, scene, operations=["text"], text={"threshold": 0.3})
    assert doubtful == {"text": [(80, 90, 160, 108), (0, 162, 80, 180)]}


def test_a_pattern_chooses_lines_and_words(standin: StartStandin, tmp_path: Path) -> None:
    row = {"text": "TAXI AB-123", "place": [0.25, 0.5, 0.5, 0.1], "confidence": 0.9}
    other = {"text": "TAXI", "place": [0, 0, 0.25, 0.1], "confidence": 0.9}
    scene = {"text": [row, other]}
    ask = {"operations": ["text"]}
    word = found_in(standin, tmp_path, scene, **ask, text={"pattern": r"^[A-Z]{2}-\d{3}$"})
    assert word == {"text": [(160, 90, 240, 108)]}
    line = found_in(standin, tmp_path, scene, **ask, text={"pattern": r"[A-Z]{2}-\d{3}$"})
    assert line == {"text": [(80, 90, 240, 108)]}


def test_a_picture_with_more_words_than_the_service_tells_is_asked_for_in_quarters(
    standin: StartStandin, tmp_path: Path
) -> None:
    rows = [
        {"text": "x", "place": [n / 200, 0.1, 0.004, 0.02], "confidence": 0.9} for n in range(120)
    ]
    (tmp_path / "scene.json").write_text(json.dumps({"text": rows}))
    service = standin("--latency", 0, "--scene", tmp_path / "scene.json")
    with pytest.raises(UnsupportedVideo, match="cut into 16, shows 100 words"):
        list(make(operations=["text"]).detect(np.zeros((1, 180, 320, 3), np.uint8)))
    assert 3 <= service.stats()["calls"] <= 21


def test_labels_are_boxes_of_their_instances_or_the_whole_picture(
    standin: StartStandin, tmp_path: Path
) -> None:
    places = [[0, 0, 0.5, 0.5], [0.5, 0.5, 0.5, 0.5]]
    scene = {
        "labels": [
            {"name": "Car", "confidence": 0.9, "places": places},
            {"name": "Crowd", "confidence": 0.8, "places": []},
            {"name": "Dog", "confidence": 0.9, "places": places},
            {"name": "Bus", "confidence": 0.4, "places": places},
        ]
    }
    names = {"names": ["Car", "Crowd", "Bus"]}
    found = found_in(standin, tmp_path, scene, operations=["labels"], labels=names)
    assert found == {"Car": [(0, 0, 160, 90), (160, 90, 320, 180)], "Crowd": [WHOLE]}


def test_moderation_labels_are_boxes_of_the_whole_picture(
    standin: StartStandin, tmp_path: Path
) -> None:
    scene = {
        "moderation": [
            {"name": "Weapons", "parent": "Violence", "confidence": 0.8},
            {"name": "Gambling", "confidence": 0.3},
        ]
    }
    ask = {"operations": ["moderation"]}
    assert found_in(standin, tmp_path, scene, **ask) == {"Violence": [WHOLE]}
    named = found_in(standin, tmp_path, scene, **ask, moderation={"names": ["weapons"]})
    assert named == {"Weapons": [WHOLE]}
    other = found_in(standin, tmp_path, scene, **ask, moderation={"names": ["Alcohol"]})
    assert other == {}


@pytest.mark.parametrize("operation", ["DetectText", "DetectLabels", "DetectModerationLabels"])
def test_one_operation_that_is_denied_ends_the_run(
    operation: str, standin: StartStandin, pictures: NDArray[np.uint8]
) -> None:
    standin("--latency", 0, "--deny", "--deny-only", operation)
    detector = make(operations=ALL, labels={"names": ["Car"]})
    with pytest.raises(RunEnded, match=f"calling the {operation} operation"):
        list(detector.detect(pictures[:4]))


def test_parameters_that_the_service_refuses_are_no_fault_of_the_video(
    standin: StartStandin, pictures: NDArray[np.uint8]
) -> None:
    standin("--latency", 0)
    detector = make(operations=["labels"], labels={"names": ["Car"]})
    with pytest.raises(RunEnded, match=r"InvalidParameterException.*see labels\.names"):
        list(detector.detect(pictures[:1, :60]))


def test_failures_of_any_operation_change_no_answer(
    standin: StartStandin, pictures: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("redact_dask.detectors.rekognition.LONGEST_PAUSE_S", 0.05)
    asked = {"operations": ALL, "labels": {"names": ["Car"]}}
    standin("--faces", "magenta", "--latency", 0)
    undisturbed = list(make(**asked).detect(pictures[:8]))
    standin("--faces", "magenta", "--latency", 0, "--error-share", 0.2, "--garbage-share", 0.2)
    detector = make(**asked)
    assert list(detector.detect(pictures[:8])) == undisturbed
    assert detector.usage.retried > 3


def test_each_operation_is_called_at_its_own_rate(
    standin: StartStandin, pictures: NDArray[np.uint8]
) -> None:
    service = standin("--latency", 0, "--tps", 10)
    detector = make(operations=["faces", "text"], tps=10, text={"tps": 40})
    assert all(detector.detect(pictures[:20]))
    assert detector.usage.by_operation == {"faces": 20, "text": 20}
    assert detector.usage.throttled == service.stats()["throttled"] > 0


def dump(**settings: Any) -> dict[str, Any]:
    return Rekognition.Options(**settings).model_dump()


def test_only_what_decides_answers_buys_them_again() -> None:
    assert dump() == {"threshold": 0.1, "long_side": 1280, "quality": 90}
    both = {"operations": ["faces", "text"]}
    assert dump(**both) == dump(
        operations=["text", "faces"], text={"tps": 3, "prices": [[None, 1]]}
    )
    assert dump(**both) != dump()
    assert dump(**both) != dump(**both, text={"threshold": 0.4})
    assert dump(**both) != dump(**both, text={"pattern": "A"})
    cars, dogs = ({"names": names} for names in (["Car", "Dog"], ["Dog", "Car", "Dog"]))
    assert dump(operations=["labels"], labels=cars) == dump(operations=["labels"], labels=dogs)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"operations": []}, "operations"),
        ({"operations": ["plates"]}, "operations"),
        ({"operations": ["text", "text"]}, "named twice"),
        ({"operations": ["labels"]}, "set labels.names"),
        ({"text": {"pattern": "A"}}, "text has settings, but operations does not name it"),
        ({"operations": ["text"], "text": {"pattern": "("}}, "no regular expression"),
        ({"operations": ["text"], "text": {"names": ["A"]}}, "known here: threshold, tps"),
        ({"operations": ["labels"], "labels": {"names": ["Car!"]}}, "labels.names"),
        ({"operations": ["labels"], "labels": {"names": ["Car"] * 101}}, "labels.names"),
        ({"operations": ["text"], "text": {"prices": [[1, 1]]}}, "borders must rise"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_the_run(
    settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        detectors.options("rekognition", settings)


SIDES = {"BoundingBox": BOX}


@pytest.mark.parametrize(
    ("operation", "answer"),
    [
        ("text", {}),
        ("text", {"TextDetections": [{"Type": "LINE", "Id": 0, "Confidence": 99}]}),
        (
            "text",
            {
                "TextDetections": [
                    {
                        "Type": "PAGE",
                        "Id": 0,
                        "DetectedText": "A",
                        "Confidence": 99,
                        "Geometry": SIDES,
                    }
                ]
            },
        ),
        ("labels", {}),
        ("labels", {"Labels": [{"Name": "Car"}]}),
        ("labels", {"Labels": [{"Name": "Car", "Confidence": 99, "Instances": [SIDES]}]}),
        ("moderation", {}),
        ("moderation", {"ModerationLabels": [{"Name": "Violence", "ParentName": ""}]}),
        ("moderation", {"ModerationLabels": [{"ParentName": "", "Confidence": 99}]}),
    ],
)
def test_what_is_no_answer_of_an_operation(operation: str, answer: Any) -> None:
    options = Rekognition.Options(operations=ALL, labels={"names": ["Car"]})
    read = {asked.name: asked.read for asked in asked_for(options)}[operation]
    with pytest.raises((LookupError, TypeError, ValueError)):
        read(answer)
