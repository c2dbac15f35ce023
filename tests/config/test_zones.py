"""Zones in the settings: what is meant, and one sentence for each mistake."""

from __future__ import annotations

import re
from typing import Any

import pytest

from redact_dask.config import Config, load, validate
from redact_dask.errors import ConfigError

SQUARE = [[0, 0], [1, 0], [1, 1], [0, 1]]


def zones(*given: dict[str, Any]) -> Config:
    return validate({"zones": list(given)})


def test_two_points_are_corners_of_a_rectangle() -> None:
    (zone,) = zones({"hide": [[[0, 0.9], [0.4, 1]]]}).zones
    assert zone.hide == (((0.0, 0.9), (0.4, 0.9), (0.4, 1.0), (0.0, 1.0)),)


def test_the_first_point_may_close_a_polygon() -> None:
    (zone,) = zones({"show": [[*SQUARE, [0, 0]]]}).zones
    assert zone.show == (tuple((float(x), float(y)) for x, y in SQUARE),)


def test_sides_of_a_polygon_may_lie_on_one_line() -> None:
    arms = [[0, 0], [0.3, 0], [0.3, 0.5], [0.6, 0.5], [0.6, 0], [1, 0], [1, 1], [0, 1]]
    assert len(zones({"hide": [arms]}).zones[0].hide[0]) == 8


def test_zones_are_given_in_an_assignment_too() -> None:
    config = load(assignments=["zones=[{paths: ['*/rear/*'], hide: [[[0, 0], [1, 0.1]]]}]"])
    assert config.zones[0].fits("car/rear/1.mp4")
    assert not config.zones[0].fits("car/front/1.mp4")


def test_paths_are_matched_as_those_that_are_selected() -> None:
    (zone,) = zones({"paths": ["cabin/*", "*_IN.mp4"], "hide": [SQUARE]}).zones
    fits = {path: zone.fits(path) for path in ("cabin/a/b.mp4", "x/1_IN.mp4", "x/1_in.mp4")}
    assert fits == {"cabin/a/b.mp4": True, "x/1_IN.mp4": True, "x/1_in.mp4": False}


def test_streams_are_those_that_are_named() -> None:
    (zone,) = zones({"streams": [1], "hide": [SQUARE]}).zones
    assert not zone.concerns("a.mp4", 0)
    assert zone.concerns("a.mp4", 1)


@pytest.mark.parametrize(
    ("zone", "sentence"),
    [
        ({"hide": [[[0, 0.9]]]}, "zones.0.hide: an area has too few points; give three or more"),
        ({"hide": [[]]}, "zones.0.hide: an area has too few points"),
        ({"show": [[[0, 0], [640, 0], [640, 360]]]}, "zones.0.show: a point lies outside"),
        ({"hide": [[[0, 0], [1, -0.1], [1, 1]]]}, "zones.0.hide: a point lies outside"),
        ({"hide": [[[0, 0], [float("nan"), 0], [1, 1]]]}, "zones.0.hide: a point lies outside"),
        ({"hide": [[[0, 0], [1, 1], [1, 0], [0, 1]]]}, "zones.0.hide: sides of an area cross"),
        ({"hide": [SQUARE * 2]}, "zones.0.hide: sides of an area cross"),
        ({"hide": [[[0, 0], [0.5, 0.5], [1, 1]]]}, "zones.0.hide: all points .* on one line"),
        ({"hide": [[[0, 0.5], [1, 0.5]]]}, "zones.0.hide: all points of an area lie on one line"),
        ({"hide": SQUARE}, "zones.0.hide: give a list of areas, each of them a list of points"),
        ({"hide": 5}, "zones.0.hide: give a list of areas"),
        ({"hide": "all"}, "zones.0.hide: give a list of areas"),
        ({"hide": [[["a", 0], [1, 1]]]}, "zones.0.hide: give a list of areas"),
        ({"hide": [[[True, 0], [1, 1]]]}, "zones.0.hide: give a list of areas"),
        ({"hid": [SQUARE]}, "zones.0.hid; known here: paths, streams, hide, show$"),
        ({"paths": ["*"]}, "zones.0: it neither hides nor shows anything; give hide or show"),
        ({"streams": 1, "hide": [SQUARE]}, "zones.0.streams: give numbers of video streams"),
        ({"streams": [-1], "hide": [SQUARE]}, "zones.0.streams: give numbers of video streams"),
        ({"paths": "cabin/*", "hide": [SQUARE]}, "zones.0.paths: "),
    ],
)
def test_a_mistake_is_named(zone: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=re.escape("configuration key ") + sentence):
        zones(zone)


def test_zones_decide_the_output_but_no_detection() -> None:
    one, other = zones({"hide": [SQUARE]}), zones({"show": [SQUARE]})
    assert len({one.fingerprint, other.fingerprint, Config().fingerprint}) == 3
    assert one.detection_fingerprint == other.detection_fingerprint
    assert one.detection_fingerprint == Config().detection_fingerprint


def test_no_zones_change_no_fingerprint() -> None:
    assert validate({"zones": []}).fingerprint == Config().fingerprint


def test_a_rectangle_has_one_fingerprint_however_it_is_given() -> None:
    assert zones({"hide": [SQUARE]}).fingerprint == zones({"hide": [[[0, 0], [1, 1]]]}).fingerprint
