"""A network that computes wrongly is noticed before it can say that a frame shows nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from redact_dask import detectors
from redact_dask.detectors import self_check
from redact_dask.detectors.network import Answer, Network
from redact_dask.errors import RunEnded, UsageError

NETWORKS = ("centerface", "faces", "plates", "yunet")


@pytest.fixture
def spoil(monkeypatch: pytest.MonkeyPatch) -> Mapping[str, float]:
    """Have all numbers that networks answer with multiplied by ``factor``."""
    spoilt = {"factor": 1.0}
    answers = Network.answers

    def wrong(network: Network, images: NDArray[np.uint8]) -> list[Answer]:
        factor = np.float32(spoilt["factor"])
        return [
            {name.get_any_name(): values * factor for name, values in dict(answer).items()}  # type: ignore[attr-defined]
            for answer in answers(network, images)
        ]

    monkeypatch.setattr(Network, "answers", wrong)
    return spoilt


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_that_sees_nothing_is_not_built(name: str, spoil: dict[str, float]) -> None:
    spoil["factor"] = 0.1
    with pytest.raises(RunEnded, match=r"does not find the .+ on a picture that shows one, on th"):
        detectors.create(name, {})


@pytest.mark.parametrize("name", NETWORKS)
def test_numbers_that_are_none_are_not_no_faces(name: str, spoil: dict[str, float]) -> None:
    detector = detectors.create(name, {})
    spoil["factor"] = np.nan
    with pytest.raises(RunEnded, match="scores that do not lie between 0 and 1, on the host"):
        list(detector.detect(np.zeros((1, 64, 64, 3), np.uint8)))


@pytest.mark.parametrize("name", NETWORKS)
def test_a_setting_cannot_hide_the_known_face(name: str) -> None:
    options: dict[str, object] = {} if name == "faces" else {"threshold": 1.0}
    assert detectors.create(name, options).identity


def test_a_missing_picture_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    gone = replace(self_check.FACE, picture=tmp_path / "gone.png")
    monkeypatch.setattr(self_check, "FACE", gone)
    with pytest.raises(UsageError, match=r"gone\.png; reinstall"):
        detectors.create("yunet", {})
