"""The stand-in for Amazon Rekognition, as AWS's own client sees it."""

from __future__ import annotations

import io
import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from fixture_types import StartStandin
from PIL import Image


def connect(**settings: Any) -> Any:
    """Return a client that tries once."""
    settings = {"retries": {"total_max_attempts": 1}, "max_pool_connections": 60} | settings
    return boto3.client("rekognition", config=Config(**settings))


def picture(
    width: int = 320, height: int = 180, form: str = "JPEG", grey: int = 0, magenta: bool = False
) -> bytes:
    """Return a grey picture, with a magenta square of 40 pixels at (100, 60) if it is wanted."""
    image = Image.new("RGB", (width, height), (grey, grey, grey))
    if magenta:
        image.paste((255, 0, 255), (100, 60, 140, 100))
    stored = io.BytesIO()
    image.save(stored, form)
    return stored.getvalue()


def outcome(client: Any, data: bytes) -> str:
    """Return the code with which one call ended."""
    try:
        found = client.detect_faces(Image={"Bytes": data})
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    except ConnectionClosedError:
        return "closed"
    return "faces" if "FaceDetails" in found else "nothing"


def test_the_faces_of_a_file_are_answered(standin: StartStandin, tmp_path: Path) -> None:
    faces = [[0.1, 0.2, 0.05, 0.1, 0.99], [0.95, -0.02, 0.1, 0.2, 0.5]]
    (tmp_path / "faces.json").write_text(json.dumps(faces))
    standin("--latency", 0.2, "--faces", tmp_path / "faces.json")

    start = time.monotonic()
    answer = connect().detect_faces(Image={"Bytes": picture()}, Attributes=["DEFAULT"])

    assert time.monotonic() - start >= 0.2
    large, small = answer["FaceDetails"]
    assert large["BoundingBox"] == {"Left": 0.95, "Top": -0.02, "Width": 0.1, "Height": 0.2}
    assert (large["Confidence"], small["Confidence"]) == (50, 99)
    assert set(small) == {"BoundingBox", "Confidence", "Landmarks", "Pose", "Quality"}
    eyes = {mark["Type"]: mark for mark in small["Landmarks"]}
    assert 0.1 < eyes["eyeLeft"]["X"] < eyes["eyeRight"]["X"] < 0.15


def test_the_hundred_largest_faces_are_answered(standin: StartStandin, tmp_path: Path) -> None:
    sides = [n / 1000 for n in range(1, 131)]
    (tmp_path / "faces.json").write_text(json.dumps([[0, 0, side, side, 1] for side in sides]))
    standin("--latency", 0, "--faces", tmp_path / "faces.json")

    faces = connect().detect_faces(Image={"Bytes": picture()})["FaceDetails"]

    assert {face["BoundingBox"]["Width"] for face in faces} == set(sides[30:])


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_a_magenta_thing_is_found(standin: StartStandin, form: str) -> None:
    standin("--latency", 0, "--faces", "magenta")
    client = connect()

    (face,) = client.detect_faces(Image={"Bytes": picture(form=form, magenta=True)})["FaceDetails"]

    box = face["BoundingBox"]
    assert 320 * box["Left"] == pytest.approx(100, abs=2)
    assert 180 * box["Top"] == pytest.approx(60, abs=2)
    assert 320 * (box["Left"] + box["Width"]) == pytest.approx(140, abs=2)
    assert 180 * (box["Top"] + box["Height"]) == pytest.approx(100, abs=2)
    assert client.detect_faces(Image={"Bytes": picture(form=form)})["FaceDetails"] == []
    assert outcome(client, picture()[:400]) == "InvalidImageFormatException"


def test_pictures_that_are_not_allowed_are_refused(standin: StartStandin) -> None:
    server = standin("--latency", 0)
    client = connect()
    large = picture() + bytes(5 << 20)

    assert outcome(client, large[: 5 << 20]) == "faces"
    assert outcome(client, large) == "ImageTooLargeException"
    assert outcome(client, picture(form="BMP")) == "InvalidImageFormatException"
    assert outcome(client, b"not a picture") == "InvalidImageFormatException"
    assert outcome(client, picture(height=79)) == "InvalidParameterException"
    assert outcome(client, picture(height=80)) == "faces"
    with pytest.raises(client.exceptions.InvalidS3ObjectException):
        client.detect_faces(Image={"S3Object": {"Bucket": "bucket", "Name": "name"}})
    with pytest.raises(ClientError, match="ValidationException"):
        client.detect_faces(Image={"Bytes": picture()}, Attributes=["WINGS"])
    with pytest.raises(ClientError, match="UnknownOperationException"):
        client.recognize_celebrities(Image={"Bytes": picture()})
    assert (server.stats()["calls"], server.stats()["refused"]) == (2, 7)


def test_an_internal_error_is_one_of_aws(standin: StartStandin) -> None:
    standin("--latency", 0, "--error-share", 1)
    client = connect()

    with pytest.raises(client.exceptions.InternalServerError) as failure:
        client.detect_faces(Image={"Bytes": picture()})

    assert failure.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500


def test_a_connection_can_be_dropped(standin: StartStandin) -> None:
    server = standin("--latency", 0, "--drop-share", 1)

    with pytest.raises(ConnectionClosedError):
        connect().detect_faces(Image={"Bytes": picture()})

    assert (server.stats()["calls"], server.stats()["dropped"]) == (1, 1)
    server.close()
    with pytest.raises(EndpointConnectionError):
        connect().detect_faces(Image={"Bytes": picture()})


def test_half_an_answer_is_none(standin: StartStandin) -> None:
    server = standin("--latency", 0, "--garbage-share", 1)

    # AWS's client does not complain: who reads the faces must.
    assert outcome(connect(), picture()) == "nothing"

    assert (server.stats()["garbage"], server.stats()["pictures_answered"]) == (1, 0)


def test_a_slow_answer_may_find_nobody(standin: StartStandin) -> None:
    server = standin("--latency", 0, "--slow-share", 1, "--slow-seconds", 0.7)

    assert outcome(connect(), picture()) == "faces"
    with pytest.raises(ReadTimeoutError):
        connect(read_timeout=0.2).detect_faces(Image={"Bytes": picture()})

    time.sleep(1)
    stats = server.stats()
    assert (stats["calls"], stats["slow"], stats["abandoned"]) == (2, 2, 1)


def test_access_is_denied_at_once_or_later(standin: StartStandin) -> None:
    standin("--deny")
    client = connect()
    with pytest.raises(client.exceptions.AccessDeniedException) as failure:
        client.detect_faces(Image={"Bytes": picture()})
    assert failure.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400

    server = standin("--latency", 0, "--deny-after", 2)
    client = connect()
    codes = [outcome(client, picture()) for _ in range(4)]
    assert codes == ["faces", "faces", "AccessDeniedException", "AccessDeniedException"]
    assert (server.stats()["calls"], server.stats()["denied"]) == (2, 2)


def test_a_quota_holds_within_any_second(standin: StartStandin) -> None:
    server = standin("--latency", 0.5, "--tps", 25)
    client = connect()

    start = time.monotonic()
    with ThreadPoolExecutor(60) as threads:
        codes = Counter(threads.map(lambda _: outcome(client, picture()), range(60)))
    seconds = time.monotonic() - start

    assert codes["faces"] + codes["ProvisionedThroughputExceededException"] == 60
    assert 25 <= codes["faces"] <= 25 * (1 + int(seconds))
    stats = server.stats()
    assert (stats["calls"], stats["throttled"]) == (codes["faces"], 60 - codes["faces"])
    time.sleep(1)
    assert outcome(client, picture()) == "faces"


def test_chance_is_that_of_the_seed_and_the_picture(standin: StartStandin) -> None:
    pictures = [picture(grey=grey) for grey in range(100)]
    server = standin("--latency", 0, "--seed", 7, "--error-share", 0.2, "--garbage-share", 0.1)
    client = connect()

    forward = {data: outcome(client, data) for data in pictures}
    stats = server.stats()
    server.reset()
    backward = {data: outcome(client, data) for data in reversed(pictures)}

    assert forward == backward
    codes = Counter(forward.values())
    assert 8 <= codes["InternalServerError"] <= 35
    assert 2 <= codes["nothing"] <= 22
    assert (stats["errors"], stats["garbage"]) == (codes["InternalServerError"], codes["nothing"])
    again = [outcome(client, data) for data in pictures]
    assert again != list(forward.values()), "a second try has a chance of its own"


def test_calls_are_counted(standin: StartStandin) -> None:
    server = standin("--latency", 0.2)
    client = connect()
    pictures = [picture(grey=grey) for grey in (0, 1, 2, 2)]
    before = time.time()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda data: outcome(client, data), pictures))

    stats = server.stats()
    assert (stats["calls"], sum(stats["by_second"]), stats["in_flight"]) == (4, 4, 0)
    assert 2 <= stats["in_flight_max"] <= 4
    assert stats["bytes"] == sum(map(len, pictures))
    assert (stats["pictures_answered"], stats["pictures_answered_again"]) == (3, 1)
    assert before <= stats["first"] <= stats["last"] <= time.time()
    server.reset()
    assert server.stats()["calls"] == 0
    assert server.stats()["first"] is None


SCENE = {
    "text": [
        {"text": "AB 123", "place": [0.1, 0.7, 0.2, 0.05], "confidence": 0.9},
        {"text": "faint", "place": [0.5, 0.7, 0.1, 0.05], "confidence": 0.6},
    ],
    "labels": [
        {"name": "Car", "confidence": 0.6, "places": [[0.5, 0.5, 0.2, 0.2]]},
        {"name": "Road", "confidence": 0.9, "places": []},
        {"name": "Bus", "confidence": 0.3, "places": [[0, 0, 0.1, 0.1]]},
    ],
    "moderation": [
        {"name": "Weapons", "parent": "Violence", "confidence": 0.8},
        {"name": "Drugs & Tobacco", "confidence": 0.4},
    ],
}


def names(found: list[dict[str, Any]]) -> list[str]:
    return [one["Name"] for one in found]


def test_a_scene_is_answered_as_the_filters_of_a_request_say(
    standin: StartStandin, tmp_path: Path
) -> None:
    (tmp_path / "scene.json").write_text(json.dumps(SCENE))
    server = standin("--latency", 0, "--scene", tmp_path / "scene.json")
    client, image = connect(), {"Bytes": picture()}

    line, *words = client.detect_text(Image=image)["TextDetections"]
    assert (line["Type"], line["DetectedText"], "ParentId" in line) == ("LINE", "AB 123", False)
    assert [(word["DetectedText"], word["ParentId"]) for word in words] == [("AB", 0), ("123", 0)]
    filters = {"WordFilter": {"MinConfidence": 0.0}}
    assert len(client.detect_text(Image=image, Filters=filters)["TextDetections"]) == 5

    road, car = client.detect_labels(Image=image)["Labels"]
    assert names([road, car]) == ["Road", "Car"]
    assert (len(road["Instances"]), len(car["Instances"])) == (0, 1)
    wanted = {"GeneralLabels": {"LabelInclusionFilters": ["Bus", "Car"]}}
    found = client.detect_labels(Image=image, Settings=wanted, MinConfidence=30)["Labels"]
    assert names(found) == ["Car", "Bus"]

    violence, weapons = client.detect_moderation_labels(Image=image)["ModerationLabels"]
    assert names([violence, weapons]) == ["Violence", "Weapons"]
    assert (violence["ParentName"], weapons["ParentName"]) == ("", "Violence")
    assert (violence["TaxonomyLevel"], weapons["TaxonomyLevel"]) == (1, 2)
    all_of_them = client.detect_moderation_labels(Image=image, MinConfidence=0)
    assert len(all_of_them["ModerationLabels"]) == 3

    told = server.stats()
    assert (told["calls"], told["pictures"], told["pictures_sent"]) == (6, 1, 3)
    assert told["by_operation"] == {
        "DetectText": 2,
        "DetectLabels": 2,
        "DetectModerationLabels": 2,
    }


def test_each_operation_has_a_quota_of_its_own(standin: StartStandin) -> None:
    server = standin("--latency", 0, "--tps", 1)
    client, image = connect(), {"Bytes": picture()}
    client.detect_faces(Image=image)
    client.detect_text(Image=image)
    client.detect_labels(Image=image)
    client.detect_moderation_labels(Image=image)
    with pytest.raises(ClientError, match="ProvisionedThroughputExceededException"):
        client.detect_text(Image=image)
    assert (server.stats()["calls"], server.stats()["throttled"]) == (4, 1)


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        ("detect_labels", {"MinConfidence": 101}),
        ("detect_labels", {"Features": ["WINGS"]}),
        ("detect_labels", {"Settings": {"GeneralLabels": {"LabelInclusionFilters": ["Car!"]}}}),
        (
            "detect_labels",
            {"Settings": {"GeneralLabels": {"LabelInclusionFilters": ["Car"] * 101}}},
        ),
        ("detect_text", {"Filters": {"WordFilter": {"MinBoundingBoxHeight": 1.5}}}),
        ("detect_moderation_labels", {"MinConfidence": 101}),
    ],
)
def test_what_breaks_the_model_of_the_service_is_refused(
    standin: StartStandin, method: str, parameters: dict[str, Any]
) -> None:
    standin("--latency", 0)
    with pytest.raises(ClientError, match="ValidationException"):
        getattr(connect(), method)(Image={"Bytes": picture()}, **parameters)
