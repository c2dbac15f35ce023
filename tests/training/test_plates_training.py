"""The recipe for the network that finds number plates: its answers, its targets, its pictures."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")

sys.path.insert(0, str(Path(__file__).parents[2]))

from training.plates import data, export, photographs  # noqa: E402
from training.plates.loss import loss  # noqa: E402
from training.plates.network import Network, fused  # noqa: E402
from training.plates.train import STEPS, rate, train  # noqa: E402


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Grey photographs of white plates, and scenes of noise, as the training wants them."""
    root = tmp_path_factory.mktemp("photographs")
    rng = np.random.default_rng(0)
    vehicles, scenes, alarms = [], [], []
    for name in ("plates", "scenes"):
        (root / name).mkdir()
    for number in range(0, 120, 10):
        picture = rng.integers(60, 120, (360, 480, 3)).astype(np.uint8)
        name = f"car_{number}.png"
        cv2.imwrite(str(root / "scenes" / name), picture)
        scenes.append({"file": name, "status": "clean"})
        alarms.append(
            dict(zip(("file", "x0", "y0", "x1", "y1"), (name, 9, 9, 59, 29), strict=True))
        )
        picture[200:230, 100:200] = 250
        cv2.imwrite(str(root / "plates" / name), picture)
        sides = (name, 100, 200, 200, 230)
        vehicles.append(dict(zip(("file", "x0", "y0", "x1", "y1"), sides, strict=True)))
    alarms = [alarm | {"judged": "no_plate"} for alarm in alarms]
    files = {"plates.csv": vehicles, "scenes.csv": scenes, "scenes_alarms.csv": alarms}
    for name, rows in files.items():
        with (root / name).open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    return root


@pytest.fixture
def pictures(folder: Path, monkeypatch: pytest.MonkeyPatch) -> data.Pictures:
    monkeypatch.setattr(data, "_BANK", 12)
    return data.Pictures(folder, seed=3)


def test_the_fused_network_answers_as_the_trained_one() -> None:
    torch.manual_seed(0)
    network = Network()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):  # As after a training.
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    picture = torch.rand(1, 3, 96, 64) * 255
    with torch.no_grad():
        trained, shipped = network.eval()(picture), fused(network)(picture)
    for one, other in zip(trained, shipped, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("sides", "stride"), [((60, 60, 100, 72), 8), ((30, 60, 130, 90), 16), ((4, 40, 190, 100), 32)]
)
def test_the_grid_for_its_size_answers_for_a_plate(
    sides: tuple[float, float, float, float], stride: int
) -> None:
    found = [torch.zeros(1, 5, 192 // s, 192 // s, requires_grad=True) for s in (8, 16, 32)]
    row = torch.full((1, 2, 5), -1.0)
    row[0, 0] = torch.tensor([*sides, 1.0])
    sum(loss(found, row)).backward()
    x, y = (sides[0] + sides[2]) / 2, (sides[1] + sides[3]) / 2
    gradient = found[(8, 16, 32).index(stride)].grad
    assert gradient is not None
    own = gradient[0, 0, int(y) // stride, int(x) // stride]
    assert own < 0  # Its score should rise.
    assert (gradient[0, 0, 0] >= 0).all()  # All others' should fall.


def test_a_perfect_box_costs_nothing() -> None:
    found = [torch.zeros(1, 5, 64 // s, 64 // s) for s in (8, 16, 32)]
    row = torch.tensor([[[16.0, 24.0, 48.0, 40.0, 1.0]]])
    columns = torch.arange(8.0)
    found[0][0, 1] = 4.0 - columns
    found[0][0, 2] = (4.0 - columns)[:, None]
    found[0][0, 3] = float(np.log(4))
    found[0][0, 4] = float(np.log(2))
    _, boxes = loss(found, row)
    assert float(boxes) == pytest.approx(0, abs=1e-5)


def test_an_unsure_place_teaches_nothing() -> None:
    found = [torch.zeros(1, 5, 64 // s, 64 // s, requires_grad=True) for s in (8, 16, 32)]
    scores, _ = loss(found, torch.tensor([[[16.0, 16.0, 48.0, 48.0, 0.0]]]))
    scores.backward()
    assert found[0].grad is not None
    assert (found[0].grad[0, 0, 2:6, 2:6] == 0).all()
    assert (found[0].grad[0, 0, 0] > 0).all()


def test_pictures_depend_on_the_seed_and_their_number(
    pictures: data.Pictures, folder: Path
) -> None:
    again = data.Pictures(folder, seed=3)
    for number in (5, 2):
        (picture, boxes), (other, others) = pictures[number], again[number]
        assert picture.shape == (data.SIDE, data.SIDE, 3)
        assert boxes.shape == (data.MOST_BOXES, 5)
        assert np.array_equal(picture, other)
        assert np.array_equal(boxes, others)


def test_boxes_lie_on_the_plates(pictures: data.Pictures, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "_KINDS", (1.0, 0.0, 0.0))
    monkeypatch.setattr(data, "degrade", lambda _, picture: picture)
    monkeypatch.setattr(pictures, "_exchanged", lambda _rng, _canvas, box: box)
    monkeypatch.setattr(pictures, "_add", lambda *_, **__: None)
    for number in range(10):
        picture, boxes = pictures[number]
        for x0, y0, x1, y1, _ in boxes[boxes[:, 4] == data.PLATE]:
            inside = picture[round(y0) + 1 : round(y1) - 1, round(x0) + 1 : round(x1) - 1]
            assert inside.mean() > 200


def test_no_photograph_is_both_learnt_from_and_tried(folder: Path) -> None:
    learnt, tried = (photographs.plates(folder, held_out=held) for held in (False, True))
    assert learnt
    assert len(learnt) + len(tried) == 12
    assert {one.name for one in learnt}.isdisjoint(one.name for one in tried)


def test_the_rate_does_not_depend_on_the_end_until_it_falls() -> None:
    assert rate(3000, STEPS) == rate(3000, 2 * STEPS)
    assert rate(STEPS - 1, STEPS) < 0.02 * rate(3000, STEPS)


@pytest.mark.slow
def test_a_training_that_was_interrupted_goes_on(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "_BANK", 4)
    monkeypatch.setattr("training.plates.train.BATCH", 2)
    whole = train(folder, tmp_path / "whole", steps=4, workers=0)
    monkeypatch.setattr("training.plates.train.rate", lambda step, _: rate(step, 4))
    train(folder, tmp_path / "half", steps=2, workers=0)
    halves = train(folder, tmp_path / "half", steps=4, workers=0)
    for one, other in zip(whole.parameters(), halves.parameters(), strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.slow
def test_what_is_written_answers_as_the_network(tmp_path: Path) -> None:
    export.export(Network(), tmp_path / "plates.onnx")  # Compares.
    assert (tmp_path / "plates.onnx").stat().st_size > 1_000_000
