import os
from itertools import islice
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray


@pytest.fixture
def pictures(carphone: Path) -> NDArray[np.uint8]:
    """Pictures of one speaking man in a car: shape (4, 144, 176, 3), BGR."""
    with av.open(carphone) as container:
        frames = islice(container.decode(video=0), 0, 40, 10)
        return np.stack([frame.to_ndarray(format="bgr24") for frame in frames])


@pytest.fixture(scope="session")
def yunet_n() -> Path:
    """The model file of YuNet-n of libfacedetection, with free sides; it is not shipped."""
    beside = Path(__file__).parents[3] / "shared" / "models" / "yunet_n_dynamic.onnx"
    file = Path(os.environ.get("REDACT_DASK_YUNET", beside))
    if not file.is_file():
        pytest.skip("no model of YuNet is here; name one by the variable REDACT_DASK_YUNET")
    return file
