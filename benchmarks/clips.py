"""The clips of the demonstration, for the benchmarks."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "examples"))

from demo import fetch_clips

__all__ = ["fetch_clips"]
