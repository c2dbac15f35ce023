"""Synthetic scenes: what is hidden, and what must not be."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plans import for_all

from redact_dask.config import TrackSettings
from redact_dask.records import ORIGINS, Detection, Detections, Region, RegionOrigin
from redact_dask.tracking.tracker import track

WIDTH, HEIGHT = 960, 540
TIMES = [frame / 30 for frame in range(60)]
SETTINGS = TrackSettings(start=0.4, extend=0.1, gap_s=0.5, pad_s=0.1, margin=0.2, slack=0.0)


MOVING_APART = ((200, -3, 60), (600, 5, 400))
"""Upper left corner's x, pixels, how that moves, pixels a frame, and its y, of two faces."""


def face(
    frame: int,
    x: float,
    y: float = 200,
    size: float = 40,
    confidence: float = 0.8,
    label: str = "face",
    detector: str = "one",
) -> Detection:
    """Return a square detection whose upper left corner is at ``x, y``."""
    return Detection(frame, x, y, x + size, y + size, confidence, label, detector)


def cut(seen: Detection) -> Detection:
    """Return what of a detection is in the picture."""
    x0, y0, x1, y1 = max(seen.x0, 0), max(seen.y0, 0), min(seen.x1, WIDTH), min(seen.y1, HEIGHT)
    return replace(seen, x0=x0, y0=y0, x1=x1, y1=y1)


def run(
    detections: Sequence[Detection],
    chosen: TrackSettings = SETTINGS,
    times: Sequence[float] = TIMES,
    scenes: Sequence[int] = (0,),
    max_gap_frames: int = 0,
) -> list[Region]:
    """Track in the test picture."""
    seen = Detections.of(detections)
    return [*track(seen, times, scenes, WIDTH, HEIGHT, for_all(chosen), max_gap_frames)]


def covers(region: Region, seen: Detection) -> bool:
    """Tell whether a region hides all of a detection that lies in the picture."""
    return (
        region.frame == seen.frame
        and region.x0 <= max(seen.x0, 0)
        and region.y0 <= max(seen.y0, 0)
        and region.x1 >= min(seen.x1, WIDTH)
        and region.y1 >= min(seen.y1, HEIGHT)
    )


def hidden(regions: Sequence[Region], seen: Detection) -> bool:
    """Tell whether one region hides all of a detection."""
    return any(covers(region, seen) for region in regions)


def test_nothing_comes_from_nothing() -> None:
    assert run([]) == []


def test_a_hole_is_filled_where_the_face_must_have_been() -> None:
    regions = run([face(10, 100), face(11, 106), face(18, 148), face(19, 154)])
    for frame in range(12, 18):
        between = face(frame, 100 + 6 * (frame - 10))
        assert hidden(regions, between)
    assert {r.origin for r in regions if 12 <= r.frame <= 17} == {RegionOrigin.INTERPOLATED}
    assert len({r.track for r in regions}) == 1


def test_a_hole_is_filled_by_time_where_frames_are_not_evenly_spaced() -> None:
    times = [0.0, 0.1, 0.4, 0.5]
    exact = SETTINGS.model_copy(update={"margin": 0.0, "pad_s": 0.0})
    regions = run([face(0, 100), face(3, 140)], exact, times)
    assert [round(r.x0) for r in regions] == [100, 108, 132, 140]


def test_a_hole_longer_than_the_longest_is_left_open() -> None:
    regions = run([face(10, 100), face(30, 100)])
    assert not any(14 <= r.frame <= 26 for r in regions)
    assert len({r.track for r in regions}) == 2


def test_ends_are_padded_and_follow_the_motion() -> None:
    longer = SETTINGS.model_copy(update={"pad_s": 0.4})
    regions = run([face(frame, 80 + 12 * frame) for frame in range(20, 31)], longer)
    padded = [r for r in regions if r.origin is RegionOrigin.PADDED]
    assert [r.frame for r in padded] == [*range(8, 20), *range(31, 43)]
    assert all(hidden(regions, face(r.frame, 80 + 12 * r.frame)) for r in padded)


def test_a_face_that_is_lost_goes_on_with_the_scene() -> None:
    """The camera starts to turn after the face was seen for the last time, or before the first."""
    longer = SETTINGS.model_copy(update={"pad_s": 1.0})
    for turned in (lambda n: max(n - 30, 0) ** 2 / 16, lambda n: max(30 - n, 0) ** 2 / 16):
        paths = [
            [face(n, x + turned(n), y, 30 + y / 10) for n in range(60)]
            for x, y in ((80, 60), (220, 350), (500, 100), (560, 420))
        ]
        walker = [face(n, 20 + 14 * n, 250) for n in range(60)]
        regions = run([*paths[0][25:36], *walker, *(d for path in paths[1:] for d in path)], longer)
        assert all(hidden(regions, d) for d in paths[0][5:56])


@pytest.mark.parametrize("border", ["left", "right", "top", "bottom"])
def test_what_the_border_cuts_is_hidden_while_it_slides_along_it(border: str) -> None:
    """Detectors lose it once half of it is outside; the camera's steps tell where it goes."""
    beyond = {"left": (-20, 300), "right": (940, 300), "top": (300, -20), "bottom": (300, 520)}
    x, y = beyond[border]
    along = (0, 1) if border in ("left", "right") else (1, 0)
    shown = [face(f, x + along[0] * f, y + along[1] * f) for f in range(60)]
    seen = [cut(one) for one in shown[:10]]
    steps = [(1.0, *map(float, along))] * 60
    regions = [*track(Detections.of(seen), TIMES, [0], WIDTH, HEIGHT, for_all(SETTINGS), 0, steps)]
    assert all(hidden(regions, one) for one in shown)


def test_what_the_border_does_not_cut_is_padded_as_ever() -> None:
    steps = [(1.0, 0.0, 0.0)] * 60
    for one in (face(10, 300), face(10, 20), cut(face(10, 0, 0, WIDTH))):
        seen = Detections.of([one])
        found = track(seen, TIMES, [0], WIDTH, HEIGHT, for_all(SETTINGS), 0, steps)
        assert (found.frame.min(), found.frame.max()) == (7, 13)


def test_who_walks_out_of_the_picture_is_padded_as_ever() -> None:
    steps = [(1.0, 0.0, 0.0)] * 60
    seen = [cut(face(f, 900 + 4 * f)) for f in range(10)]
    found = track(Detections.of(seen), TIMES, [0], WIDTH, HEIGHT, for_all(SETTINGS), 0, steps)
    assert found.frame.max() == 12


def test_of_two_things_that_move_apart_nobody_learns_how_the_scene_moves() -> None:
    longer = SETTINGS.model_copy(update={"pad_s": 0.5})
    apart = [face(n, x + speed * n, y) for n in range(60) for x, speed, y in MOVING_APART]
    still = [face(n, 850, 200) for n in range(20, 30)]
    regions = run([*apart, *still], longer)
    assert all(hidden(regions, face(n, 850, 200)) for n in range(10, 40))


def test_where_a_face_is_lost_all_of_it_is_hidden_though_only_a_part_was_seen_last() -> None:
    longer = SETTINGS.model_copy(update={"pad_s": 0.6, "steady_s": 0.1, "margin": 0.1})
    whole = [face(n, 300, 200, 60) for n in range(60)]
    parts = [face(n, 312, 212, 40, 0.2) for n in range(60)]
    regions = run([*parts[14:20], *whole[20:30], *parts[30:36]], longer)
    assert all(hidden(regions, d) for d in [*whole[2:14], *whole[36:50]])


@pytest.mark.parametrize("rate", [2, 5, 7, 15])
def test_ends_are_padded_by_a_frame_at_least(rate: int) -> None:
    times = [frame / rate for frame in range(10)]
    assert {4, 5, 6} <= {r.frame for r in run([face(5, 100)], TrackSettings(), times)}
    without = TrackSettings(pad_s=0.0)
    assert {r.frame for r in run([face(5, 100)], without, times)} == {5}


def test_jitter_does_not_carry_a_padded_box_off_its_face() -> None:
    wide = SETTINGS.model_copy(update={"pad_s": 1.0, "margin": 0.1, "slack": 0.0025})
    regions = run([face(29, 100, size=30), face(30, 102, size=30)], wide)
    assert {r.frame for r in regions} == set(range(60))
    for region in regions:
        covered = min(region.x1, 132) - max(region.x0, 102)
        assert covered >= 0.8 * 30, region


def test_padding_stays_in_the_video() -> None:
    assert {r.frame for r in run([face(0, 100)])} == {0, 1, 2, 3}
    assert {r.frame for r in run([face(59, 100)])} == {56, 57, 58, 59}


def test_weak_detections_alone_start_nothing() -> None:
    assert run([face(frame, 100, confidence=0.39) for frame in range(30)]) == []


def test_detections_below_the_weakest_that_counts_are_ignored() -> None:
    noise = [face(frame, 100, confidence=0.05) for frame in range(20, 30)]
    regions = run([face(30, 100), *noise])
    assert {r.frame for r in regions} == {27, 28, 29, 30, 31, 32, 33}


def test_weak_detections_extend_a_track_in_both_directions() -> None:
    seen = [face(frame, 300 + 3 * frame, confidence=0.15) for frame in range(5, 45)]
    seen[20] = face(25, 375, confidence=0.5)
    regions = run(seen)
    assert all(hidden(regions, d) for d in seen)
    assert len({r.track for r in regions}) == 1


def test_a_pan_faster_than_a_face_a_frame_keeps_the_tracks() -> None:
    places = [(100, 100, 24), (180, 300, 26), (330, 200, 22), (420, 400, 30)]
    seen = [
        face(frame, x + 80 * frame, y, size, 0.6 if frame == 4 else 0.2)
        for frame in range(7)
        for x, y, size in places
    ]
    regions = run(seen)
    assert all(hidden(regions, d) for d in seen)
    assert len({r.track for r in regions}) == len(places)


def test_a_face_with_boxes_in_it_is_not_taken_for_a_scene_that_moves() -> None:
    first, second = [(n, 100) for n in range(10)], [(n, 400) for n in range(10, 20)]
    for beside, size in ((10, 20), (14, 40)):
        seen = [face(n, x) for n, x in first + second]
        seen += [face(n, x + beside, 200 + beside, size) for n, x in first + second]
        regions = run(seen)
        assert max(r.x1 - r.x0 for r in regions) < 90
        assert len({r.track for r in regions}) == 4


def test_faces_that_are_seen_again_are_not_those_that_were_missed() -> None:
    left = [face(n, x) for n in range(20) for x in (100, 180) if n not in {10, 11}]
    right = [face(n, x) for n in range(20) for x in (500, 580) if n != 9]
    regions = run(left + right)
    assert len({r.track for r in regions}) == 4
    assert max(r.x1 - r.x0 for r in regions) < 60


def test_a_single_face_faster_than_its_width_is_kept() -> None:
    seen = [face(frame, 10 + 60 * frame, confidence=0.2) for frame in range(12)]
    seen[6] = face(6, 370)
    regions = run(seen)
    assert all(hidden(regions, d) for d in seen)
    assert len({r.track for r in regions}) == 1


def test_faces_that_cross_keep_their_tracks() -> None:
    right = [face(frame, 200 + 8 * frame, 200) for frame in range(30)]
    left = [face(frame, 432 - 8 * frame, 215) for frame in range(30)]
    regions = run(right + left)
    assert len({r.track for r in regions}) == 2
    for path in (right, left):
        ends = [{r.track for r in regions if covers(r, path[k])} for k in (0, -1)]
        assert ends[0] == ends[1]
        assert len(ends[0]) == 1


def test_labels_never_share_a_track() -> None:
    faces = [face(frame, 100) for frame in range(10)]
    plates = [face(frame, 100, label="plate") for frame in range(10, 20)]
    regions = run(faces + plates)
    assert len({r.track for r in regions}) == 2
    weak = [face(frame, 100, label="plate", confidence=0.2) for frame in range(10, 20)]
    assert run(faces + weak) == run(faces)


def test_a_track_names_its_label_and_all_detectors_that_saw_it() -> None:
    seen = [face(frame, 100, detector=name) for frame in range(4) for name in ("two", "one")]
    seen += [face(frame, 400, label="plate", detector="two") for frame in range(4)]
    found = {(r.track, r.label, r.detectors) for r in run(seen)}
    assert found == {(0, "face", "one,two"), (1, "plate", "two")}


def test_plates_that_drive_by_change_no_region_of_a_face() -> None:
    """Where the pictures do not tell how the camera moves, the tracks of each label do."""
    faces = [face(frame, 100 + 3 * frame) for frame in range(20)]
    plates = [
        face(frame, 300 + 12 * frame, 40 + 60 * lane, label="plate")
        for frame in range(40)
        for lane in range(6)
    ]
    settings = SETTINGS.model_copy(update={"pad_s": 0.5})
    place = [(r.frame, r.x0, r.y0, r.x1, r.y1) for r in run(faces, settings)]
    beside = [r for r in run(faces + plates, settings) if r.label == "face"]
    assert [(r.frame, r.x0, r.y0, r.x1, r.y1) for r in beside] == place


def test_two_detectors_that_see_one_face_make_one_track_that_covers_both() -> None:
    seen = [
        face(frame, 100 + shift + frame, size=40 + shift, detector=name)
        for frame in range(10)
        for name, shift in (("one", 0), ("two", 4))
    ]
    regions = run(seen)
    assert len({r.track for r in regions}) == 1
    assert all(hidden(regions, d) for d in seen)
    assert len({(r.frame, r.track) for r in regions}) == len(regions)


def test_a_box_that_is_too_small_is_enlarged_to_those_around_it() -> None:
    whole = [face(frame, 100 + 4 * frame) for frame in range(20)]
    seen = [
        face(frame, 107 + 4 * frame, 207, 26) if frame % 5 == 2 else d
        for frame, d in enumerate(whole)
    ]
    regions = run(seen)
    assert all(hidden(regions, d) for d in whole)
    assert max(r.x1 - r.x0 for r in regions) < 70


def test_the_order_of_a_crowd_does_not_matter() -> None:
    chance = random.Random(5)
    seen = [
        face(frame, chance.randrange(60), 200, 40 + chance.randrange(5), chance.random())
        for frame in range(20)
        for _ in range(8)
    ]
    regions = run(seen)
    for _ in range(5):
        chance.shuffle(seen)
        assert run(seen) == regions


@pytest.mark.timeout(60)
def test_a_crowd_is_followed_over_a_pan_and_in_time() -> None:
    chance = random.Random(7)
    places = [(chance.uniform(0, 900), chance.uniform(0, 500)) for _ in range(300)]
    seen = [face(frame, x + 18 * frame, y, 24) for frame in range(4) for x, y in places]
    regions = run([d for d in seen if d.x0 < WIDTH])
    at_start = {(r.track, r.x0, r.y0) for r in regions if r.frame == 0}
    gone_on = {(r.track, round(r.x0), round(r.y0)) for r in regions if r.frame == 3}
    stayed = [(track, x, y) for track, x, y in at_start if x + 3 * 18 < WIDTH - 40 and x > 0]
    followed = sum((track, round(x + 54), round(y)) in gone_on for track, x, y in stayed)
    assert followed > 0.9 * len(stayed)


def test_regions_have_the_margin_and_stay_in_the_picture() -> None:
    middle, corner = run([face(0, 100, 200)])[0], run([face(0, -20, 520)])[0]
    assert (middle.x0, middle.y0, middle.x1, middle.y1) == (92, 192, 148, 248)
    assert (corner.x0, corner.y0, corner.x1, corner.y1) == (0, 512, 28, HEIGHT)
    assert run([face(0, 2000)]) == []


def test_regions_have_the_slack_whatever_their_size() -> None:
    chosen = SETTINGS.model_copy(update={"margin": 0.0, "slack": 0.01})
    for size in (10, 200):
        slack = run([face(0, 100, size=size)], chosen)[0]
        assert (slack.x0, slack.y0) == (100 - 9.6, 200 - 9.6)
        assert (slack.x1, slack.y1) == (100 + size + 9.6, 200 + size + 9.6)


def test_tracks_are_numbered_as_they_appear_and_regions_sorted() -> None:
    regions = run([face(30, 100), face(5, 600), face(50, 300)])
    assert [(r.frame, r.track) for r in regions] == sorted((r.frame, r.track) for r in regions)
    first = {number: min(r.frame for r in regions if r.track == number) for number in range(3)}
    assert all(first[a] <= first[b] for a, b in pairwise(range(3)))


scenes = st.lists(
    st.builds(
        Detection,
        frame=st.integers(0, 19),
        x0=st.floats(-50, 900),
        y0=st.floats(-50, 500),
        x1=st.just(0.0),
        y1=st.just(0.0),
        confidence=st.floats(0, 1),
        label=st.sampled_from(["face", "plate"]),
        detector=st.sampled_from(["one", "two"]),
    ).flatmap(
        lambda d: st.tuples(st.floats(1, 200), st.floats(1, 200)).map(
            lambda sides: Detection(
                d.frame,
                d.x0,
                d.y0,
                d.x0 + sides[0],
                d.y0 + sides[1],
                d.confidence,
                d.label,
                d.detector,
            )
        )
    ),
    max_size=40,
)


@given(scenes, st.integers(0, 2**32))
@settings(max_examples=100, deadline=None)
def test_whatever_is_detected(seen: list[Detection], seed: int) -> None:
    regions = run(seen)
    shuffled = random.Random(seed).sample(seen, len(seen))
    assert run(shuffled) == regions
    for d in seen:
        inside = d.x0 < WIDTH and d.y0 < HEIGHT and d.x1 > 0 and d.y1 > 0
        if inside and d.confidence >= SETTINGS.start:
            assert hidden(regions, d)
    for r in regions:
        assert 0 <= r.x0 < r.x1 <= WIDTH
        assert 0 <= r.y0 < r.y1 <= HEIGHT
    assert {r.track for r in regions} == set(range(len({r.track for r in regions})))
    assert len({(r.frame, r.track) for r in regions}) == len(regions)


def test_nothing_is_carried_over_a_cut() -> None:
    before = [face(n, 100 + n) for n in range(10, 20)]
    after = [face(n, 100 + n) for n in range(22, 32)]
    together, apart = run([*before, *after]), run([*before, *after], scenes=[0, 20])
    assert {region.track for region in together} == {0}
    assert {region.frame for region in together} >= {20, 21}
    assert {region.track for region in apart} == {0, 1}
    assert max(r.frame for r in apart if r.track == 0) == 19, "no padding into the next scene"
    assert min(r.frame for r in apart if r.track == 1) == 20, "padding back to the cut"
    first = [region for region in together if region.frame < 20]
    assert len([region for region in apart if region.track == 0]) == len(first)


def test_a_weak_face_before_a_cut_is_not_proven_by_a_strong_one_after_it() -> None:
    weak, strong = face(19, 100, confidence=0.2), face(20, 100)
    assert {region.track for region in run([weak, strong])} == {0}
    assert min(region.frame for region in run([weak, strong], scenes=[0, 20])) == 20


def test_what_was_seen_at_looks_far_apart_is_followed_whatever_the_times_are() -> None:
    """One frame of four is looked at, and the longest hole and the padding are shorter."""
    short = SETTINGS.model_copy(update={"gap_s": 0.05, "pad_s": 0.0, "steady_s": 0.0})
    path = [face(frame, 100 + 3 * frame) for frame in range(60)]
    regions = run(path[20:41:4], short, max_gap_frames=3)
    assert {r.frame for r in regions} == set(range(17, 44))
    assert len({r.track for r in regions}) == 1
    assert all(hidden(regions, path[frame]) for frame in range(17, 44))
    alone = run(path[20:41:4], short)
    assert {r.frame for r in alone} == set(range(20, 41, 4))


def test_what_nobody_looked_at_before_a_cut_is_padded_up_to_the_cut() -> None:
    seen = [face(frame, 100) for frame in (22, 26)]
    regions = run(seen, scenes=(0, 21, 28), max_gap_frames=3)
    assert {r.frame for r in regions} == set(range(21, 28))


def crowd(frames: int) -> Detections:
    """Return twenty faces and plates on each of some frames, which jitter, leave and are missed."""
    chance = np.random.default_rng(3)
    kinds = np.array([("face", "one"), ("face", "two"), ("plate", "two")])
    parts = []
    place, speed = (
        chance.uniform(0, [[WIDTH, HEIGHT]], (20, 2)),
        chance.normal(0, [[4, 1]], (20, 2)),
    )
    size, kind = chance.uniform(16, 80, (20, 1)), np.arange(20, dtype=np.uint16) % 3
    for frame in range(frames):
        place = (place + speed) % [WIDTH, HEIGHT]
        seen = chance.random(20) < 0.9
        box = np.concatenate([place, place + size], axis=1) + chance.normal(0, 1, (20, 4))
        numbers, confidence = np.full(20, frame, np.int32), chance.uniform(0.08, 1, 20)
        parts.append(Detections(numbers, box, confidence, kind, kinds)[seen])
    return Detections.joined(parts)


def test_a_crowd_is_tracked_as_ever() -> None:
    """The numbers are those of the version that had an object for each detection."""
    times, cuts = [frame / 30 for frame in range(200)], [0, 70, 120]
    steps = [None if n % 50 == 0 else (1 + 0.001 * (n % 3), n % 5 - 2.0, 0.5) for n in range(200)]
    regions = track(crowd(200), times, cuts, WIDTH, HEIGHT, for_all(SETTINGS), 3, steps)
    origins = [int((regions.origin == number).sum()) for number in range(len(ORIGINS))]
    told = (len(regions), len(np.unique(regions.track)), origins)
    assert told == (4123, 83, [3509, 474, 140, 0])
    sums = [1794547.867240, 996545.896733, 2104990.170232, 1295358.967384]
    assert regions.box.sum(axis=0) == pytest.approx(sums, abs=1e-4)
    assert (regions.frame * regions.box.T).sum() == pytest.approx(615289229.2916, abs=1e-2)


@pytest.mark.slow
def test_a_crowd_takes_little_memory() -> None:
    """An hour with twenty faces a frame has 2.2 million detections."""
    seen, times = crowd(400), [frame / 30 for frame in range(400)]
    track(seen, times, [0], WIDTH, HEIGHT, for_all(SETTINGS))
    tracemalloc.start()
    regions = track(seen, times, [0], WIDTH, HEIGHT, for_all(SETTINGS))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak / len(regions) < 250, "bytes for each region"


@pytest.mark.parametrize("step", [(1.0, 20.0, 0.0), (0.95, 0.0, 0.0), (1.05, 5.0, 3.0)])
def test_what_is_on_the_whole_picture_stays_there_whatever_the_camera_does(
    step: tuple[float, float, float],
) -> None:
    seen = Detections.of(
        Detection(frame, 0, 0, WIDTH, HEIGHT - 0.01, 0.9, "Violence", "one") for frame in (28, 32)
    )
    steps = [None, *[step] * (len(TIMES) - 1)]
    regions = track(seen, TIMES, [0], WIDTH, HEIGHT, lambda _: TrackSettings(), 3, steps)
    assert {*regions.frame.tolist()} == {*range(13, 48)}
    assert {*map(tuple, regions.box.tolist())} == {(0, 0, WIDTH, HEIGHT)}
