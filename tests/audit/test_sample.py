"""The sample is reproducible, fair to every frame, and quickly drawn from 100,000 videos."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from redact_dask.audit.sample import Draw, allocate, draw
from redact_dask.audit.strata import Codes, Stratum, StreamKey


def streams(count: int, frames: int) -> list[tuple[str, StreamKey, Codes]]:
    """Return streams of three strata each; the first quarter of them shows no face."""
    found = []
    for number in range(count):
        codes = np.full(frames, Stratum.NO_FACE, np.uint8)
        if number >= count // 4:
            codes[:] = Stratum.NOTHING_HIDDEN
            codes[frames // 2 :] = Stratum.HIDDEN
            codes[-frames // 8 :] = Stratum.TRACK_ENDS
        found.append((f"video-{number}", StreamKey(number, 0), codes))
    return found


def test_the_seed_decides_and_the_order_of_the_manifest_does_not() -> None:
    one = draw(streams(40, 400), 200, 7)
    assert draw(streams(40, 400)[::-1], 200, 7) == one
    assert draw(streams(40, 400), 200, 8).draws != one.draws
    # The same on every machine, with every version of every library.
    assert one.draws[0] == Draw(StreamKey(22, 0), 69, Stratum.NOTHING_HIDDEN)


def test_no_frame_is_drawn_twice_and_each_is_of_its_stratum() -> None:
    every = streams(20, 200)
    drawn = draw(every, 1500, 3)
    assert drawn.frames == {0: 1000, 1: 1500, 2: 375, 3: 1125}
    assert len({(one.key, one.frame) for one in drawn.draws}) == len(drawn.draws) == 1500
    assert all(every[one.key.video][2][one.frame] == one.stratum for one in drawn.draws)


def test_all_frames_are_drawn_if_there_are_no_more() -> None:
    drawn = draw(streams(4, 100), 3000, 1)
    assert len({(one.key, one.frame) for one in drawn.draws}) == 400


def test_every_frame_has_the_same_chance() -> None:
    times: Counter[tuple[int, int]] = Counter()
    for seed in range(800):
        codes = [np.zeros(frames, np.uint8) for frames in (1, 1, 1, 1, 1, 5, 20, 70)]
        named = [(str(n), StreamKey(n, 0), one) for n, one in enumerate(codes)]
        times.update((one.key.video, one.frame) for one in draw(named, 60, seed).draws)
    assert len(times) == 100
    # Chi-squared with 99 degrees of freedom is below 149 with a probability of 99.9 %; without
    # replacement, it is smaller by three fifths.
    expected = 800 * 60 / 100
    assert sum((count - expected) ** 2 / expected for count in times.values()) < 149 * 0.4


def test_each_beginning_of_the_sample_is_one_in_proportion() -> None:
    draws = draw(streams(40, 4000), 1000, 5).draws
    whole = Counter(one.stratum for one in draws)
    for length in (100, 250, 500):
        some = Counter(one.stratum for one in draws[:length])
        assert all(abs(some[of] - whole[of] * length / 1000) <= 1 for of in Stratum)


def test_a_larger_sample_has_the_smaller_one_in_it() -> None:
    small, large = (draw(streams(40, 4000), size, 5).draws for size in (200, 1000))
    assert {*small} <= {*large}


@pytest.mark.parametrize(
    "frames",
    [(10**7, 0, 0, 0), (10**7, 10**6, 30, 4), (900, 900, 900, 900), (0, 0, 0, 31), (30, 1, 1, 1)],
)
def test_the_sizes_add_up_and_no_stratum_is_asked_for_more_than_it_has(
    frames: tuple[int, ...],
) -> None:
    for size in (20, 30, 33, 3000):
        sizes = allocate(frames, size)
        assert sum(sizes) == min(size, sum(frames))
        assert all(0 <= few <= own for few, own in zip(sizes, frames, strict=True))
        assert all(few >= min(own, size // 20) for few, own in zip(sizes, frames, strict=True))
