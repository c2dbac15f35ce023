"""Drawing the sample of an audit: each frame of a stratum has the same chance, and a seed decides.

Every frame of a stratum gets a random key, and the frames with the smallest keys are the sample: a
simple random sample without replacement (bottom-k sampling). Nobody computes all keys. Those of a
stream's frames are independent exponential variables, so the smallest ones follow in order, each
from the one before (Renyi 1953), until one is too large. The keys come from SHA-256 of the seed
and the names of the stream and the stratum. So the sample depends neither on the order in which
the manifest is read nor on any library.

The first frames of a stratum's sample are such a sample, too: judging may stop at any of them.
"""

from __future__ import annotations

import hashlib
import heapq
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from redact_dask.audit.strata import Codes, Stratum, StreamKey

_LEAST_SHARE = 20
"""A stratum that is small gets at least one frame in so many of the sample, if it has as many."""
_HALVINGS = 60
"""Steps of a bisection: a double has 53 bits."""


@dataclass(frozen=True, slots=True)
class Draw:
    """A frame that was drawn."""

    key: StreamKey
    frame: int
    """Number of the frame in its stream, from 0, in the order of presentation."""
    stratum: Stratum


@dataclass(slots=True)
class _Reservoir:
    """The frames of a stratum with the smallest keys so far."""

    size: int
    """Most frames to keep."""
    frames: int = 0
    """Frames that the stratum has so far."""
    largest_first: list[tuple[float, StreamKey, int]] = field(default_factory=list)
    """Negated key, stream and frame of those that are kept, as a heap."""

    def offer(self, name: str, key: StreamKey, codes: Codes, stratum: Stratum) -> None:
        """Draw from the frames of a stratum in one stream, whose name is in no other."""
        count = int((codes == stratum).sum())
        self.frames += count
        numbers = None
        for number, rank in _smallest(name, count):
            full = len(self.largest_first) == self.size
            if full and -number <= self.largest_first[0][0]:
                break
            if numbers is None:
                numbers = np.flatnonzero(codes == stratum)
            entry = (-number, key, int(numbers[rank]))
            (heapq.heappushpop if full else heapq.heappush)(self.largest_first, entry)

    def smallest(self, size: int) -> list[tuple[StreamKey, int]]:
        """Return stream and frame of those with the smallest keys, the smallest first."""
        return [(key, frame) for _, key, frame in sorted(self.largest_first, reverse=True)[:size]]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A sample, and the size of what it was drawn from."""

    frames: dict[Stratum, int]
    """Number of frames of each stratum."""
    draws: tuple[Draw, ...]
    """The sample, in the order in which it is judged: that of all strata advances evenly."""


def draw(streams: Iterable[tuple[str, StreamKey, Codes]], size: int, seed: int) -> Drawn:
    """Draw a sample from the frames of all strata.

    Parameters
    ----------
    streams
        Name and key of every stream, and the strata of its frames.
    size
        Number of frames to draw.
    seed
        Decides which frames are drawn, together with the names.
    """
    reservoirs = {stratum: _Reservoir(size) for stratum in Stratum}
    for name, key, codes in streams:
        for number in np.unique(codes).tolist():
            stratum = Stratum(number)
            reservoirs[stratum].offer(f"{seed}/{stratum.name}/{name}", key, codes, stratum)
    frames = {stratum: reservoir.frames for stratum, reservoir in reservoirs.items()}
    sizes = dict(zip(frames, allocate([*frames.values()], size), strict=True))
    placed = []
    for stratum, reservoir in reservoirs.items():
        for rank, (key, frame) in enumerate(reservoir.smallest(sizes[stratum])):
            placed.append(((rank + 0.5) / sizes[stratum], Draw(key, frame, stratum)))
    placed.sort(key=lambda one: (one[0], one[1].stratum))
    return Drawn(frames, tuple(one for _, one in placed))


def allocate(frames: Sequence[int], size: int) -> list[int]:
    """Return how many frames are drawn from each stratum.

    A twentieth of the sample comes from each stratum that has so many frames, and the rest is
    shared in proportion to the frames. Proportion gives the smallest bound if nothing leaks. The
    twentieth shows what leaks where leaks are most likely, and costs a few per cent of the bound.

    Parameters
    ----------
    frames
        Frames of each stratum.
    size
        Frames to draw; all are drawn if there are not so many.

    >>> allocate([9_000_000, 900_000, 100_000, 0], 3000)
    [2591, 259, 150, 0]
    >>> allocate([10, 100, 0, 0], 3000)
    [10, 100, 0, 0]
    """
    if sum(frames) <= size:
        return [*frames]
    least = [min(own, -(-size // _LEAST_SHARE)) for own in frames]

    def shares(rate: float) -> list[float]:
        return [max(rate * own, few) for own, few in zip(frames, least, strict=True)]

    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if sum(shares(middle)) <= size else (low, middle)
    found = [math.floor(share) for share in shares(low)]
    by_rest = sorted(range(len(frames)), key=lambda one: found[one] - shares(low)[one])
    for one in by_rest[: size - sum(found)]:
        found[one] += 1
    return found


def _smallest(name: str, count: int) -> Iterator[tuple[float, int]]:
    """Yield key and rank of the frames of a stratum in one stream, the smallest key first.

    The keys are those of ``count`` independent exponential variables in ascending order, and the
    ranks, from 0, come in a random order.
    """
    key = 0.0
    moved: dict[int, int] = {}  # A shuffle that moves only what is asked for.
    for step in range(count):
        digest = hashlib.sha256(f"{name}/{step}".encode()).digest()
        first, second = int.from_bytes(digest[:8]), int.from_bytes(digest[8:16])
        key -= math.log((first + 1) / 2**64) / (count - step)
        other = step + second % (count - step)
        yield key, moved.get(other, other)
        moved[other] = moved.pop(step, step)
