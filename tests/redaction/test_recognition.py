"""Most redacted faces are no more like the face that they were than like some stranger's.

The attack is template matching after deconvolution. It knows style, strength and place: it undoes a
Gaussian blur with the Wiener filter, interpolates averaged cells, and correlates what it has with
each of a hundred faces. As illumination is no part of a face, it looks at the band of frequencies
that Tan and Triggs look at [1]_, of 2.5 to 4.5 cycles a face; a network would need its weights, and
knows no more than is in the picture. The similarity with the face itself must lie, for most faces,
below the 95th percentile of those with strangers.

What the test does not say: a handful of averages still has the shading of the picture. Without the
filter, or with the redaction done to them too, a list of pictures that holds the very same one can
be searched for it [2]_. Only ``solid`` leaves nothing.

The faces are those of scikit-image's `lfw_subset`, 25 x 25 pixels, enlarged.

.. [1] Tan and Triggs, "Enhanced Local Texture Feature Sets for Face Recognition Under Difficult
   Lighting Conditions", IEEE Transactions on Image Processing 19, 2010.
.. [2] McPherson, Shokri and Shmatikov, "Defeating Image Obfuscation with Deep Learning", 2016,
   arXiv:1609.00408.
"""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from typing import Any

import cv2
import numpy as np
import pytest
from av.video.frame import VideoFrame
from numpy.typing import NDArray
from plans import for_all

from redact_dask.config import RedactSettings
from redact_dask.records import Region, RegionOrigin
from redact_dask.redaction import hide, styles

Faces = NDArray[np.float64]
"""Shape (n, height, width), luma."""

STYLES = ("pixelate", "gaussian", "solid")
COMPARED = 48
"""Width and height, pixels, at which faces are compared."""
MARGIN = 0.1
"""Share of a face's width and height by which its region is larger on each side."""
NOISE = 1e-5
"""Of the Wiener filter: what rounding to 8 bits adds, by the variance of a face."""


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Faces:
    """A hundred faces of a hundred people."""
    folder = tmp_path_factory.mktemp("faces")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder]
    subprocess.run([*command, "--only-binary=:all:", "scikit-image==0.26.0"], check=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        pictures = np.load(io.BytesIO(archive.read("skimage/data/lfw_subset.npy")))
    return np.asarray(16 + 219 * pictures[:100])


@pytest.mark.parametrize("side", [40, pytest.param(120, marks=pytest.mark.slow)])
@pytest.mark.parametrize("settings", [RedactSettings(style=style) for style in STYLES], ids=STYLES)
def test_a_redacted_face_is_like_any_strangers(
    faces: Faces, settings: RedactSettings, side: int
) -> None:
    own, strangers = _similarities(faces, settings, side)
    assert np.median(own) <= np.percentile(strangers, 95)


@pytest.mark.parametrize(
    ("settings", "side"),
    [
        ({"style": "gaussian", "radius": 2.0}, 40),
        pytest.param({"style": "gaussian", "radius": 20.0}, 160, marks=pytest.mark.slow),
        ({"style": "pixelate", "cells": 8}, 40),
        ({"style": "pixelate", "cells": 20}, 120),
    ],
    ids=str,
)
def test_a_weakly_redacted_face_is_told_from_strangers(
    faces: Faces, settings: dict[str, Any], side: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without its least strength, and with more cells than can be set."""
    monkeypatch.setattr(styles, "_WIDEST_IN_SIGMAS", 1000)
    weak = RedactSettings.model_construct(**RedactSettings().model_dump() | settings)
    own, strangers = _similarities(faces, weak, side)
    assert np.percentile(own, 10) > np.percentile(strangers, 95)


def _similarities(
    faces: Faces, settings: RedactSettings, side: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how like redacted faces are to what they were, and to strangers."""
    around = round(MARGIN * side)
    restored = []
    for face in faces:
        picture = cv2.resize(face, (side, side), interpolation=cv2.INTER_CUBIC)
        picture = cv2.copyMakeBorder(picture, *[around] * 4, cv2.BORDER_REFLECT)
        redacted = _restored(_redacted(picture, settings), settings)
        restored.append(_compared(redacted[around:-around, around:-around]))
    alike = np.array(restored) @ np.array([_compared(face) for face in faces]).T
    themselves = np.eye(len(faces), dtype=bool)
    return alike[themselves], alike[~themselves]


def _redacted(picture: NDArray[np.float64], settings: RedactSettings) -> NDArray[np.float64]:
    """Hide all of a picture."""
    height, width = picture.shape
    frame = VideoFrame(width, height, "yuv444p")
    plane = np.frombuffer(memoryview(frame.planes[0]), np.uint8).reshape(height, -1)[:, :width]
    plane[:] = picture.round().clip(16, 235)
    hide.hide(
        frame,
        [Region(0, 0, 0.0, 0.0, width, height, RegionOrigin.DETECTED, "face", "told")],
        for_all(settings),
    )
    plane = np.frombuffer(memoryview(frame.planes[0]), np.uint8).reshape(height, -1)[:, :width]
    return plane.astype(np.float64)


def _restored(picture: NDArray[np.float64], settings: RedactSettings) -> NDArray[np.float64]:
    """Undo a redaction as far as it can be undone."""
    side = len(picture)
    if settings.style == "pixelate":
        cells = (min(settings.cells, side // 4),) * 2
        averages = cv2.resize(picture, cells, interpolation=cv2.INTER_AREA)
        return cv2.resize(averages, (side, side), interpolation=cv2.INTER_CUBIC)
    if settings.style == "gaussian":
        # The blur took the picture to be mirrored at its border, and the Fourier transform, again.
        mirrored = np.pad(picture, [(0, side), (0, side)], mode="symmetric")
        sigma = max(settings.radius, side / styles._WIDEST_IN_SIGMAS)
        squares = np.fft.fftfreq(2 * side) ** 2
        passed = np.exp(-2 * np.pi**2 * sigma**2 * np.add.outer(squares, squares))
        spectrum = np.fft.fft2(mirrored) * passed / (passed**2 + NOISE)
        return np.fft.ifft2(spectrum).real[:side, :side]
    return picture


def _compared(face: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the features of a face, of length 1, so that their product is a correlation."""
    face = cv2.resize(face, (COMPARED, COMPARED), interpolation=cv2.INTER_AREA)
    sigma = COMPARED / 25
    band = cv2.GaussianBlur(face, (0, 0), sigma) - cv2.GaussianBlur(face, (0, 0), 2 * sigma)
    features = (band - band.mean()).ravel()
    return features / (np.linalg.norm(features) + 1e-6)
