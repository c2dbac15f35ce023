"""What a network leaves in memory."""

from __future__ import annotations

import subprocess
import sys

import pytest

_SIZES = """
import numpy as np
from redact_dask.detectors.centerface import CenterFace

def resident_mib():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 / 2**20

def look(height, width):
    detector.detect(np.zeros((1, height, width, 3), np.uint8))

detector = CenterFace(CenterFace.Options())
look(640, 640)
before = resident_mib()
for down in range(2, 7):
    for across in range(2, 10):
        look(32 * down, 32 * across)
look(640, 640)
print(resident_mib() - before)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_sizes_of_pictures() -> None:
    """A fleet has many cameras, and a worker lives for days."""
    command = [sys.executable, "-c", _SIZES]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert float(done.stdout) < 25
