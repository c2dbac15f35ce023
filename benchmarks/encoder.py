"""Size, fidelity and time of the encoder's settings, on the demonstration's street at 1080p30.

    .venv/bin/python benchmarks/encoder.py

Every frame is encoded, nothing is hidden. PSNR is that of luma against the decoded source.
"""

from __future__ import annotations

import argparse
import io
import itertools
import tempfile
import time
from pathlib import Path

import av
import numpy as np
from media import make_clip

from redact_dask.config import EncodeSettings
from redact_dask.media import decode, index
from redact_dask.media.encode import Encoder

PRESETS = ("ultrafast", "superfast", "veryfast", "medium")
FACTORS = (18, 20, 23)


def measured(clip: Path, settings: EncodeSettings) -> tuple[float, float, float]:
    """Return CPU ms a frame, Mb/s, and PSNR in dB."""
    scanned = index.scan(str(clip), settings)
    (chunk,) = scanned.chunks(1e9)
    content = io.BytesIO()
    encoder = Encoder(scanned.info, settings, content)
    spent, before = 0.0, []
    for frame in decode.frames(str(clip), scanned.info, chunk):
        before.append(frame.to_ndarray(format="gray"))
        start = time.process_time()
        encoder.add(frame)
        spent += time.process_time() - start
    start = time.process_time()
    encoder.finish()
    spent += time.process_time() - start
    with av.open(io.BytesIO(content.getvalue())) as container:
        after = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    errors = [np.mean((a.astype(float) - b) ** 2) for a, b in zip(before, after, strict=True)]
    psnr = 10 * np.log10(255**2 / np.mean(errors))
    return 1e3 * spent / len(before), 8e-6 * content.tell() / scanned.info.seconds, float(psnr)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=4)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clip = make_clip(Path(folder), options.seconds)
        print("| preset | crf | CPU ms a frame | Mb/s | PSNR dB |\n|---|---|---|---|---|")
        for preset, crf in itertools.product(PRESETS, FACTORS):
            settings = EncodeSettings(preset=preset, crf=crf, copy="never")
            milliseconds, rate, psnr = measured(clip, settings)
            print(
                f"| {preset} | {crf} | {milliseconds:.0f} | {rate:.1f} | {psnr:.1f} |", flush=True
            )


if __name__ == "__main__":
    main()
