"""A detector that asks Amazon Rekognition: each operation on a picture is one paid call.

Limits and prices: https://docs.aws.amazon.com/rekognition/latest/dg/limits.html and
https://aws.amazon.com/rekognition/pricing/.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from itertools import chain
from typing import NoReturn

import numpy as np
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 (botocore's own)
    HTTPClientError,
    IncompleteReadError,
)
from botocore.parsers import ResponseParserError
from numpy.typing import NDArray

from redact_dask.detectors import rate_limit
from redact_dask.detectors.base import Box
from redact_dask.detectors.rate_limit import Slots
from redact_dask.detectors.rekognition_client import (
    OF_THE_PICTURE,
    THROTTLING,
    TRANSIENT,
    connect,
)
from redact_dask.detectors.rekognition_operations import MOST, Operation, Told, asked_for
from redact_dask.detectors.rekognition_options import LEAST_SIDE, RekognitionOptions
from redact_dask.detectors.rekognition_pictures import Picture
from redact_dask.errors import CheckFailed, RunEnded, UnsupportedVideo
from redact_dask.records import Usage

DEFAULT_TPS = 25.0
"""Calls of an operation a second that an account may make unless it asks for more; in some regions,
it is 100."""
REGIONS_OF_100_TPS = ("us-east-1", "us-west-2", "eu-west-1")

TOGETHER = 8
"""Most calls whose slots are reserved at once: if a worker dies, its slots are lost."""

MOST_CUTS = 2
"""How often a picture with so many things is cut into quarters: it takes 21 calls at most."""

ATTEMPTS = 8
"""Failed calls for one picture until its video is quarantined; throttled ones do not count."""
PATIENCE_S = 600.0
"""Time for which one picture is throttled until the run ends, seconds."""
LONGEST_PAUSE_S = 5.0
"""Longest pause between two attempts, seconds, unless no slot is free earlier."""
REFUSAL_S = 5.0
"""Time for which no calls are made once the service has refused all, seconds."""


class Rekognition:
    """Asks Amazon Rekognition for what its options name, with many calls in flight.

    Raises
    ------
    UsageError
        There are no credentials, or no region is named.
    """

    Options = RekognitionOptions

    def __init__(self, options: RekognitionOptions) -> None:
        self._options = options
        self._client = connect(options)
        self._operations = asked_for(options)
        region = self._client.meta.region_name
        self._default_tps = 100.0 if region in REGIONS_OF_100_TPS else DEFAULT_TPS
        self._pool = ThreadPoolExecutor(options.in_flight, "rekognition")
        self._free = threading.Semaphore(options.in_flight)
        self._lock = threading.Lock()
        self._begun: set[Future[list[Box]]] = set()
        self._abandoned = threading.Event()
        self._usage = Usage()
        self._refusal = ""
        self._refused = float("-inf")

    @property
    def identity(self) -> str:
        """Name only, because the service tells no version of its model."""
        return "rekognition"

    @property
    def usage(self) -> Usage:
        """Calls to the service since the detector was built."""
        return self._usage

    def input_size(self, width: int, height: int) -> tuple[int, int]:
        """Return the width and height, pixels, that an upright picture should be scaled to."""
        scale = min(self._options.long_side / max(width, height), 1.0)
        scale = max(scale, LEAST_SIDE / min(width, height))
        return round(width * scale), round(height * scale)

    def abandon(self) -> None:
        """Give up all calls that have been begun; return once none is on its way any more."""
        self._abandoned.set()
        begun = [*self._begun]
        for looked in begun:
            looked.cancel()
        wait(begun)
        self._abandoned = threading.Event()

    def detect(self, images: NDArray[np.uint8]) -> Iterator[list[Box]]:
        """Begin to ask about a batch of images; iterating waits for the answers.

        The call blocks while too many calls are in flight. Pictures wait for their calls as JPEG,
        which is made once for all operations. The service returns the 100 largest faces of a
        picture, and 100 words. If there are so many, it is asked for the picture's quarters, too.

        Parameters
        ----------
        images
            Shape (n, height, width, 3), BGR.

        Raises
        ------
        UnsupportedVideo
            While iterating: the service refuses a picture, or may not return all its faces.
        CheckFailed
            While iterating: it fails on a picture again and again.
        RunEnded
            While iterating: the service refuses all calls, or does not answer.
        """
        begun: list[Sequence[Future[list[Box]]]] = []
        together = min(TOGETHER, self._options.in_flight)
        for first in range(0, len(images), together):
            few = images[first : first + together]
            pictures = [Picture.of(image, self._options.quality) for image in few]
            by_operation = [self._submitted(pictures, asked) for asked in self._operations]
            begun += zip(*by_operation, strict=True)
        return (_sorted(looked.result() for looked in looks) for looks in begun)

    def _submitted(self, pictures: list[Picture], operation: Operation) -> list[Future[list[Box]]]:
        """Reserve slots for pictures and submit their calls, once so many may be in flight."""
        for _ in pictures:
            self._free.acquire()
        begun: list[Future[list[Box]]] = []
        try:
            while waiting := pictures[len(begun) :]:
                slots = self._reserve(operation, len(waiting), self._abandoned)
                first = time.monotonic() + slots.wait_s
                for number, picture in enumerate(waiting[: slots.calls]):
                    slot = first + number * slots.interval_s
                    told = (operation, picture, slot, self._abandoned)
                    looked = self._pool.submit(self._look, *told)
                    self._begun.add(looked)
                    looked.add_done_callback(self._ended)
                    begun.append(looked)
        except BaseException:  # Any error: a permit that is lost never comes back.
            self._free.release(len(pictures) - len(begun))
            raise
        return begun

    def _reserve(
        self, operation: Operation, calls: int, abandoned: threading.Event, throttled: bool = False
    ) -> Slots:
        """Reserve one or more slots, as soon as the operation's limiter has some."""
        service = f"{operation.method} at {self._client.meta.endpoint_url}"
        tps = self._options.tps_of(operation.name) or self._default_tps
        while True:
            slots = rate_limit.reserve(service, tps, calls, throttled)
            if slots.calls:
                return slots
            if abandoned.wait(slots.wait_s):
                raise CancelledError

    def _ended(self, looked: Future[list[Box]]) -> None:
        self._begun.discard(looked)
        self._free.release()

    def _look(
        self, operation: Operation, picture: Picture, slot: float, abandoned: threading.Event
    ) -> list[Box]:
        """Return what is on a picture; if the service may know more, ask for its quarters too."""
        things, counted = self._ask(operation, picture, slot, abandoned)
        sure = (thing for thing in things if thing.confidence >= operation.threshold)
        boxes = [picture.box(thing) for thing in sure]
        if counted < MOST:
            return boxes
        if picture.cuts == MOST_CUTS:
            raise UnsupportedVideo(
                f"a part of a picture, cut into {4**MOST_CUTS}, shows {counted} "
                f"{operation.counts}, and Amazon Rekognition tells no more; use another detector "
                "for it"
            )
        # The tracker merges the boxes of one face.
        for quarter in picture.quarters(self._options.quality):
            wait_s = self._reserve(operation, 1, abandoned).wait_s
            boxes += self._look(operation, quarter, time.monotonic() + wait_s, abandoned)
        return boxes

    def _ask(
        self, operation: Operation, picture: Picture, slot: float, abandoned: threading.Event
    ) -> Told:
        """Call the service until it answers: first in the given slot, then in others."""
        patience: float | None = None
        failures = 0
        while time.monotonic() - self._refused > REFUSAL_S:
            if abandoned.wait(max(slot - time.monotonic(), 0)):
                raise CancelledError
            throttled = False
            try:
                return self._call(operation, picture)
            except ClientError as error:
                throttled = self._is_throttled(operation, error)
                patience = patience or time.monotonic() + PATIENCE_S
                reason = str(error)
            except ConnectionError as error:
                reason = str(error)
                if failures + 1 == ATTEMPTS:
                    self._refuse(f"does not answer: {reason}")
            except (HTTPClientError, IncompleteReadError, ResponseParserError, _Broken) as error:
                reason = str(error)
            except BotoCoreError as error:
                self._refuse(f"cannot be called: {error}")
            failures += not throttled
            if failures == ATTEMPTS:
                raise CheckFailed(f"Amazon Rekognition failed {ATTEMPTS} times: {reason}")
            if throttled and patience and time.monotonic() > patience:
                self._refuse(f"refused a picture for {PATIENCE_S:.0f} s: {reason}")
            slot = self._next_slot(operation, failures, throttled, abandoned)
        raise RunEnded(self._refusal)

    def _call(self, operation: Operation, picture: Picture) -> Told:
        """Make one call, and check its answer."""
        call = getattr(self._client, operation.method)
        answer = call(Image={"Bytes": picture.jpeg}, **operation.parameters)
        with self._lock:
            self._usage += Usage(calls=1, by_operation={operation.name: 1})
        try:
            return operation.read(answer)
        except (LookupError, TypeError, ValueError) as error:
            raise _Broken(f"{operation.method} gave no answer: {error!r}") from None

    def _is_throttled(self, operation: Operation, error: ClientError) -> bool:
        """Tell whether there were too many calls; raise if a retry would be in vain."""
        code = error.response["Error"]["Code"]
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        if code == "InvalidParameterException" and operation.name == "labels":
            # No picture is too small for it: `input_size` sees to that.
            self._refuse(f"refuses: {error}; see labels.names")
        if code in OF_THE_PICTURE:
            raise UnsupportedVideo(f"Amazon Rekognition refuses a picture: {error}") from None
        if code in THROTTLING or status == 429:
            return True
        if status < 500 and code not in TRANSIENT:
            self._refuse(f"refuses: {error}; see what your credentials may do, and the region")
        return False

    def _refuse(self, reason: str) -> NoReturn:
        """End all calls of this detector, including those that wait for their slots."""
        self._refusal = f"Amazon Rekognition {reason}"
        self._refused = time.monotonic()
        raise RunEnded(self._refusal) from None

    def _next_slot(
        self, operation: Operation, failures: int, throttled: bool, abandoned: threading.Event
    ) -> float:
        """Count a failed call, and return the time of the next attempt."""
        with self._lock:
            self._usage += Usage(throttled=1) if throttled else Usage(retried=1)
        pause = min(0.1 * 2.0**failures, LONGEST_PAUSE_S) * random.uniform(0.5, 1)  # noqa: S311
        slots = self._reserve(operation, 1, abandoned, throttled)
        return time.monotonic() + max(slots.wait_s, pause)


def _sorted(found: Iterable[list[Box]]) -> list[Box]:
    """Return the boxes that all operations found on a picture in a fixed order."""
    boxes = chain.from_iterable(found)
    return sorted(boxes, key=lambda box: (-box.confidence, box.y0, box.x0, box.label))


class _Broken(Exception):
    """The service returned something other than an answer."""
