"""Drawn plates: every format, in any scene, from one seed the same."""

import numpy as np
import pytest

from training.plates import camera, drawing, lookalikes, placing
from training.plates.formats import Format


def scene(rng: np.random.Generator, side: int = 320) -> np.ndarray:
    """A grey ground, so rough that no patch is like it along a whole edge."""
    return rng.integers(60, 140, (side, side, 3), np.uint8)


@pytest.mark.parametrize("form", drawing.FORMATS, ids=lambda form: form.name)
def test_a_plate_of_every_format_bears_characters(form: Format) -> None:
    patch = drawing.plate_of(np.random.default_rng(1), form)
    assert patch.dtype == np.uint8
    assert 90 <= patch.shape[0] <= 330
    assert patch.shape[2] == 4
    assert tuple(patch[[0, 0, -1, -1], [0, -1, 0, -1], 3]) == (0, 0, 0, 0)  # round corners
    middle = patch[patch.shape[0] // 4 : -patch.shape[0] // 4, patch.shape[1] // 4 :, :3]
    assert np.ptp(middle.mean(axis=2)) > 40


def test_no_two_formats_share_a_name() -> None:
    names = [form.name for form in drawing.FORMATS]
    assert len(set(names)) == len(names)


def test_everything_that_is_no_plate_is_drawn() -> None:
    rng = np.random.default_rng(2)
    for kind in set(lookalikes.KINDS):
        patch = kind(rng)
        assert patch.dtype == np.uint8
        assert patch.shape[2] == 4
        assert patch[:, :, 3].max() == 255


def test_one_seed_draws_one_picture() -> None:
    def draw() -> list[np.ndarray]:
        rng = np.random.default_rng(3)
        picture = scene(rng)
        patches = [drawing.plate(rng), drawing.lookalike(rng)]
        boxes = [placing.place(rng, picture, patch, 24.0) for patch in patches]
        seen = [placing.degrade(rng, picture, video=0.3) for _ in range(6)]
        return [*patches, *seen, np.array(boxes, float)]

    for first, second in zip(draw(), draw(), strict=True):
        assert np.array_equal(first, second, equal_nan=True)


def test_a_bank_holds_plates_and_lookalikes_at_half_size() -> None:
    whole = drawing.plate(np.random.default_rng(4))
    plates = drawing.bank(4, 2)
    others = drawing.bank(4, 2, plates=False)
    assert len(plates) == len(others) == 2
    assert plates[0].shape[:2] == (whole.shape[0] // 2, whole.shape[1] // 2)
    assert not np.array_equal(plates[0], others[0])


@pytest.mark.parametrize("height", [6, 12, 40, 100])
def test_the_box_holds_what_changed_and_not_much_more(height: int) -> None:
    rng = np.random.default_rng(height)
    patches = drawing.bank(5, 12)
    placed = 0
    for patch in patches:
        before = scene(rng, 640)
        after = before.copy()
        box = placing.place(rng, after, patch, float(height), surround=0)
        if box is None:
            assert np.array_equal(before, after)
            continue
        placed += 1
        changed = np.abs(after.astype(int) - before).max(axis=2) > 6
        rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
        found = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
        assert np.abs(np.subtract(found, box)).max() <= 2.5
    assert placed > 6


def test_a_patch_is_about_as_high_as_asked() -> None:
    rng = np.random.default_rng(6)
    patch = np.full((100, 100, 4), 255, np.uint8)
    boxes = [placing.place(rng, scene(rng), patch, 30.0, surround=0) for _ in range(30)]
    heights = [box[3] - box[1] for box in boxes if box is not None]
    assert 29 < np.median(heights) < 36


def test_what_does_not_fit_is_not_placed() -> None:
    rng = np.random.default_rng(7)
    picture = scene(rng, 60)
    before = picture.copy()
    assert placing.place(rng, picture, drawing.plate(rng), 80.0) is None
    assert np.array_equal(picture, before)


def test_a_surround_reaches_beyond_the_box() -> None:
    rng = np.random.default_rng(8)
    patch = drawing.bank(8, 1)[0]
    beyond = 0
    for _ in range(6):
        before = scene(rng)
        after = before.copy()
        box = placing.place(rng, after, patch, 16.0, surround=1)
        assert box is not None
        changed = np.abs(after.astype(int) - before).max(axis=2) > 6
        changed[int(box[1]) - 2 : int(box[3]) + 3, int(box[0]) - 2 : int(box[2]) + 3] = False
        beyond += bool(changed.any())
    assert beyond >= 4


def test_nothing_is_painted_over_what_is_taken() -> None:
    rng = np.random.default_rng(9)
    patches = drawing.bank(9, 10)
    taken = [(140.0, 140.0, 180.0, 160.0, 1.0), (20.0, 250.0, 60.0, 262.0, 1.0)]
    placed = 0
    for patch in patches * 4:
        before = scene(rng)
        after = before.copy()
        placed += placing.place(rng, after, patch, 14.0, surround=1, taken=taken) is not None
        for left, top, right, bottom, _ in np.array(taken).astype(int):
            assert np.array_equal(after[top:bottom, left:right], before[top:bottom, left:right])
    assert placed > 20


@pytest.mark.parametrize("shape", [(320, 320, 3), (97, 131, 3)])
def test_a_camera_keeps_the_size_and_the_place(shape: tuple[int, int, int]) -> None:
    picture = np.full(shape, 60, np.uint8)
    picture[40:60, 50:90] = 200
    kept = picture.copy()
    for seed in range(3):
        for _, change in (*camera.STEPS, (1, camera.jpeg), (1, camera.h264)):
            seen = change(np.random.default_rng(seed), picture)
            assert seen.shape == shape
            assert seen.dtype == np.uint8
            assert np.array_equal(picture, kept)
            grey = seen.mean(axis=2)
            weight = np.clip(grey - np.median(grey) - 60, 0, None)
            if weight.sum():
                middle = [np.average(at, weights=weight) for at in np.indices(grey.shape)]
                assert np.abs(np.subtract(middle, (49.5, 69.5))).max() < 1.5, change.__name__
