"""Strange footage: what ffmpeg is told to make it, and how it is cut."""

from __future__ import annotations

UNEVEN = "'PTS+if(mod(N,7),0,0.012/TB)+if(gt(N,30),2/TB,0)'"
"""For the filter ``setpts``: a late frame in every seven, and a hole of two seconds."""

COLOURS = "range=pc:color_primaries=bt709:color_trc=bt709:colorspace=bt709"
"""For the filter ``setparams``."""

LENGTHS = (0.01, 0.49, 0.89, 1000.0)
"""Of chunks, seconds: from chunks of one GOP to one chunk."""
