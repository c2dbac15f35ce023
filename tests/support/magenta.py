"""The magenta square of generated clips: settings that find it, and whether it is to be seen."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

MAGENTA: dict[str, Any] = {
    "detect": {"detectors": ["magenta"]},
    "encode": {"preset": "ultrafast"},
}
"""Settings of a quick run."""

RAISING: dict[str, Any] = {"detectors": ["magenta"], "options": {"magenta": {"on_blue": "raise"}}}
"""The section ``detect`` of a run that fails at a blue picture."""


def excess(rgb: NDArray[np.uint8]) -> NDArray[np.int16]:
    """Tell how much rather magenta than grey each pixel is; the last axis is that of colours."""
    red, green, blue = np.moveaxis(rgb.astype(np.int16), -1, 0)
    return np.asarray(np.minimum(red, blue) - green)
