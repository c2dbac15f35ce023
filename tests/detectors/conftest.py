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
