"""The shipped picture of a face can be made again."""

import importlib.util
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from redact_dask.detectors import self_check

SCRIPT = Path(__file__).parents[2] / "training" / "make_known_face.py"

_spec = importlib.util.spec_from_file_location("make_known_face", SCRIPT)
make_known_face = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(make_known_face)


@pytest.mark.slow
def test_each_run_makes_the_pixels_that_ship(tmp_path: Path) -> None:
    again = make_known_face.cut(make_known_face.download(tmp_path))
    pictures = [np.asarray(Image.open(file)) for file in (BytesIO(again), self_check.FACE.picture)]
    assert pictures[0].shape == (128, 128, 3)
    assert np.array_equal(*pictures)
