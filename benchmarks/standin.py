"""A stand-in for Amazon Rekognition: a server of its own, that fails when told to.

    .venv/bin/python benchmarks/standin.py --port 0 --tps 25 --error-share 0.01

It prints one line, its URL, when it listens, and runs until SIGTERM or SIGINT; clients find it by
``AWS_ENDPOINT_URL_REKOGNITION``. It answers DetectFaces, DetectText, DetectLabels and
DetectModerationLabels, each with a quota of its own. Targets, version, limits of the blob and the
forms of requests, answers and errors come from botocore's own model of the service; quota, smallest
side and number of faces from its documentation. Attributes beyond the default ones are allowed, but
not answered. Pictures in S3 are refused: it has no bucket. Signatures are not verified.

What becomes of a call depends on the seed, the operation, the picture, and how often it was sent
before, not on the order in which calls arrive. ``GET /stats`` gives `Stats`, ``POST /reset`` zeroes
them.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import io
import json
import math
import random
import re
import signal
import subprocess
import sys
import time
import urllib.request
import uuid
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from enum import Enum, auto
from pathlib import Path
from types import TracebackType
from typing import Any

import botocore.session
import click
import cv2
import numpy as np
import standin_scene
from aiohttp import web
from botocore.model import (
    ListShape,
    OperationModel,
    ServiceModel,
    Shape,
    StringShape,
    StructureShape,
)
from botocore.validate import ParamValidator
from numpy.typing import NDArray
from PIL import Image
from standin_scene import STREET, Scene

SMALLEST_SIDE = 80
"""Pixels."""
MOST_FACES = 100
"""The largest ones are answered."""
FACES = "DetectFaces"
BESIDE = {
    "DetectText": standin_scene.text,
    "DetectLabels": standin_scene.labels,
    "DetectModerationLabels": standin_scene.moderation,
}
"""What answers the other operations, from a scene and the parameters of a request."""
LARGEST_REQUEST = 32 << 20
"""Bytes; larger than the largest picture in base64, so that a picture too large is told as such."""


@dataclass(frozen=True, slots=True)
class Face:
    """A face, in ratios of the picture's sides; it may reach past them."""

    left: float
    top: float
    width: float
    height: float
    confidence: float
    """Between 0 and 1."""


FIVE = (
    Face(0.10, 0.20, 0.05, 0.11, 0.999),
    Face(0.28, 0.25, 0.04, 0.09, 0.998),
    Face(0.46, 0.22, 0.06, 0.13, 0.999),
    Face(0.64, 0.30, 0.04, 0.08, 0.987),
    Face(0.82, 0.24, 0.05, 0.10, 0.995),
)

LANDMARKS = {
    "eyeLeft": (0.30, 0.40),
    "eyeRight": (0.70, 0.40),
    "mouthLeft": (0.35, 0.75),
    "mouthRight": (0.65, 0.75),
    "nose": (0.50, 0.58),
}
"""Those of the default attributes, in ratios of the face's box."""


Finder = Callable[[bytes], Sequence[Face]]
"""Finds faces on an encoded picture; made and called by one thread."""


class Refused(Exception):
    """A call is answered with an error of the protocol."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Fate(Enum):
    """What becomes of an accepted call."""

    ANSWER = auto()
    SLOW = auto()
    GARBAGE = auto()
    ERROR = auto()
    DROP = auto()


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What the server is told to do."""

    latency: float = 0.8
    """Seconds from the last byte of an accepted call to its answer."""
    slow_seconds: float = 30.0
    """The same, of the slow ones."""
    tps: int | None = None
    """Most calls of one operation within any second; None: no quota."""
    deny_after: int | None = None
    """Accepted calls after which all are denied; None: never."""
    denied: str | None = None
    """The operation that is denied alone; None: any."""
    shares: tuple[tuple[Fate, float], ...] = ()
    """Share of the accepted calls for each fate; the rest is answered."""
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    """A request whose form is right."""

    operation: str
    parameters: Mapping[str, Any]
    """All but the picture."""
    picture: bytes
    digest: str
    """SHA-256 of the picture."""

    @property
    def key(self) -> str:
        """Name of the picture and of what is asked about it."""
        return self.digest if self.operation == FACES else f"{self.operation} {self.digest}"


@dataclass(slots=True)
class Stats:
    """Counts since the start or the last reset."""

    calls: int = 0
    """Valid pictures within the quota, whatever became of them: what may be billed."""
    throttled: int = 0
    """Calls beyond the quota."""
    denied: int = 0
    refused: int = 0
    """Calls within the quota with a picture, or a form, that is not allowed."""
    errors: int = 0
    """Of the calls: internal errors."""
    dropped: int = 0
    """Of the calls: connections that were closed without an answer."""
    garbage: int = 0
    """Of the calls: half an answer."""
    slow: int = 0
    """Of the calls: answers after the longer time."""
    abandoned: int = 0
    """Of the calls: the client was gone before its answer."""
    bytes: int = 0
    """Of the pictures of all calls."""
    in_flight: int = 0
    in_flight_max: int = 0
    first: float | None = None
    """Time of the first call, seconds since 1970."""
    last: float | None = None
    by_second: list[int] = field(default_factory=list)
    """Calls in each second since the first."""
    by_operation: dict[str, int] = field(default_factory=dict)
    """The calls of each operation."""
    pictures: set[str] = field(default_factory=set)
    """SHA-256 of each picture, whatever the operation."""
    sent: Counter[str] = field(default_factory=Counter)
    """Calls by operation and picture, as `key` names them."""
    answered: Counter[str] = field(default_factory=Counter)
    """Whole answers by operation and picture that reached a client."""

    def accept(self, call: Call) -> None:
        """Count a call."""
        self.last = time.time()
        self.first = self.last if self.first is None else self.first
        second = max(0, int(self.last - self.first))
        self.by_second += [0] * (second + 1 - len(self.by_second))
        self.by_second[second] += 1
        self.calls += 1
        self.bytes += len(call.picture)
        self.by_operation[call.operation] = self.by_operation.get(call.operation, 0) + 1
        self.pictures.add(call.digest)
        self.sent[call.key] += 1
        self.in_flight += 1
        self.in_flight_max = max(self.in_flight_max, self.in_flight)

    def to_json(self) -> dict[str, object]:
        """Return the counts; of the pictures, how many there are."""
        counts = asdict(self)
        del counts["sent"], counts["answered"]
        counts["pictures"] = len(self.pictures)
        more_than_once = sum(times > 1 for times in self.answered.values())
        return counts | {
            "pictures_sent": len(self.sent),
            "pictures_answered": len(self.answered),
            "pictures_answered_again": more_than_once,
        }


class Service:
    """What botocore's model says of the operations."""

    def __init__(self) -> None:
        loader = botocore.session.get_session().get_component("data_loader")
        description = loader.load_service_model("rekognition", "service-2")
        model = ServiceModel(description, "rekognition")
        self._models = {name: model.operation_model(name) for name in (FACES, *BESIDE)}
        faces = self._models[FACES]
        self._prefix = f"{model.metadata['targetPrefix']}."
        self._shapes = description["shapes"]
        self._validator = ParamValidator()
        self._largest = faces.input_shape.members["Image"].members["Bytes"].metadata["max"]
        self.content_type = f"application/x-amz-json-{model.metadata['jsonVersion']}"
        self.method, self.path = faces.http["method"], faces.http["requestUri"]

    def operation(self, request: web.Request) -> str:
        """Return the name of the operation that a request is for, or raise `Refused`."""
        name = request.headers.get("X-Amz-Target", "").removeprefix(self._prefix)
        if name not in self._models:
            raise Refused("UnknownOperationException", f"only {[*self._models]} are known")
        return name

    def call(self, operation: str, request: web.Request, body: bytes) -> Call:
        """Return what a request asks of an operation, or raise `Refused`."""
        if request.content_type != self.content_type:
            raise Refused("SerializationException", f"only {self.content_type} is known")
        try:
            parameters = json.loads(body)
        except ValueError as error:
            raise Refused("SerializationException", str(error)) from None
        errors = self._validator.validate(parameters, self._models[operation].input_shape)
        if errors.has_errors():
            raise Refused("ValidationException", errors.generate_report())
        if wrong := [*violations(self._models[operation].input_shape, parameters)]:
            raise Refused("ValidationException", "; ".join(wrong))
        image = parameters.pop("Image")
        if "S3Object" in image:
            raise Refused("InvalidS3ObjectException", "there is no bucket here")
        try:
            picture = base64.b64decode(image.get("Bytes", ""), validate=True)
        except binascii.Error as error:
            raise Refused("SerializationException", str(error)) from None
        self._check(picture)
        return Call(operation, parameters, picture, hashlib.sha256(picture).hexdigest())

    def _check(self, picture: bytes) -> None:
        if not picture:
            raise Refused("InvalidParameterException", "the request has no picture")
        if len(picture) > self._largest:
            raise Refused("ImageTooLargeException", f"a picture has at most {self._largest} bytes")
        try:  # The header alone is read.
            with Image.open(io.BytesIO(picture), formats=("JPEG", "PNG")) as image:
                sides = image.size
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
            raise Refused(
                "InvalidImageFormatException", "the request has an invalid image format"
            ) from None
        if min(sides) < SMALLEST_SIDE:
            raise Refused("InvalidParameterException", f"{sides[0]}x{sides[1]} pixels are too few")

    def faces(self, faces: Sequence[Face]) -> bytes:
        """Return the body of an answer of DetectFaces."""
        largest = sorted(faces, key=lambda face: face.width * face.height, reverse=True)
        return self._body(
            self._models[FACES], {"FaceDetails": [detail(face) for face in largest[:MOST_FACES]]}
        )

    def beside(self, call: Call, scene: Scene) -> bytes:
        """Return the body of an answer of another operation."""
        return self._body(
            self._models[call.operation], BESIDE[call.operation](scene, call.parameters)
        )

    def _body(self, model: OperationModel, answer: Mapping[str, object]) -> bytes:
        errors = self._validator.validate(answer, model.output_shape)
        assert not errors.has_errors(), errors.generate_report()
        return json.dumps(answer).encode()

    def error(self, kind: str, message: str) -> web.Response:
        """Return an error in the protocol's form."""
        shape = self._shapes.get(kind, {})
        status = shape.get("error", {}).get("httpStatusCode", 500 if shape.get("fault") else 400)
        return self.respond(json.dumps({"__type": kind, "message": message}).encode(), status)

    def respond(self, body: bytes, status: int = 200) -> web.Response:
        """Return a response with the headers that AWS sends."""
        headers = {"Content-Type": self.content_type, "x-amzn-RequestId": str(uuid.uuid4())}
        return web.Response(body=body, status=status, headers=headers)


def violations(shape: Shape, value: Any) -> Iterator[str]:
    """Yield what breaks the model's enumerations, patterns and upper limits.

    AWS's own client leaves these to the service.
    """
    match shape:
        case StructureShape():
            for name, inner in value.items():
                yield from violations(shape.members[name], inner)
        case ListShape():
            for inner in value:
                yield from violations(shape.member, inner)
        case StringShape():
            if shape.enum and value not in shape.enum:
                yield f"{value} is none of {shape.enum}"
            if not re.fullmatch(shape.metadata.get("pattern", ".*"), value):
                yield f"{value} does not match the pattern of {shape.name}"
    size = value if isinstance(value, int | float) else len(value)
    # A picture is still in base64, and judged later.
    if shape.type_name != "blob" and size > shape.metadata.get("max", math.inf):
        yield f"{shape.name} is larger than {shape.metadata['max']}"


def detail(face: Face) -> dict[str, object]:
    """Return a face in the form of the default attributes."""
    places = {
        name: (face.left + x * face.width, face.top + y * face.height)
        for name, (x, y) in LANDMARKS.items()
    }
    return {
        "BoundingBox": {
            "Width": face.width,
            "Height": face.height,
            "Left": face.left,
            "Top": face.top,
        },
        "Landmarks": [{"Type": name, "X": x, "Y": y} for name, (x, y) in places.items()],
        "Pose": {"Roll": 0.0, "Yaw": 0.0, "Pitch": 0.0},
        "Quality": {"Brightness": 80.0, "Sharpness": 80.0},
        "Confidence": 100 * face.confidence,
    }


class Server:
    """Answers calls; one event loop, and one thread for what looks at pixels."""

    def __init__(
        self, behaviour: Behaviour, faces: Sequence[Face] | Callable[[], Finder], scene: Scene
    ) -> None:
        self._behaviour = behaviour
        self._scene = scene
        self._service = Service()
        self._within_a_second: defaultdict[str, deque[float]] = defaultdict(deque)
        """Times of the latest calls of each operation."""
        self._stats = Stats()
        self._pixels = ThreadPoolExecutor(1)
        if callable(faces):
            self._find: Finder | None = self._pixels.submit(faces).result()
            self._same = b""
        else:
            self._find, self._same = None, self._service.faces(faces)

    async def run(self, port: int) -> None:
        """Serve until a signal."""
        app = web.Application(client_max_size=LARGEST_REQUEST)
        app.router.add_route(self._service.method, self._service.path, self._call)
        app.router.add_get("/stats", self._report)
        app.router.add_post("/reset", self._reset)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, read_bufsize=1 << 20)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        host, listening = runner.addresses[0]
        print(f"http://{host}:{listening}", flush=True)
        await stop.wait()
        await runner.cleanup()
        self._pixels.shutdown(cancel_futures=True)

    async def _report(self, _: web.Request) -> web.Response:
        return web.json_response(self._stats.to_json())

    async def _reset(self, _: web.Request) -> web.Response:
        self._stats = Stats()
        self._within_a_second.clear()
        return web.json_response({})

    async def _call(self, request: web.Request) -> web.Response:
        body = await request.read()
        start = asyncio.get_running_loop().time()
        stats = self._stats
        try:
            operation = self._service.operation(request)
            self._admit(operation, start, stats)
            call = self._service.call(operation, request, body)
        except Refused as refused:
            return self._refuse(refused, stats)
        fate = self._fate(call.key, stats.sent[call.key])
        stats.accept(call)
        try:
            return await self._decide(request, fate, call, start, stats)
        except Refused as refused:
            return self._refuse(refused, stats)
        finally:
            stats.in_flight -= 1

    def _refuse(self, refused: Refused, stats: Stats) -> web.Response:
        match refused.kind:
            case "AccessDeniedException":
                stats.denied += 1
            case "ProvisionedThroughputExceededException":
                stats.throttled += 1
            case _:
                stats.refused += 1
        return self._service.error(refused.kind, str(refused))

    def _admit(self, operation: str, now: float, stats: Stats) -> None:
        after, alone = self._behaviour.deny_after, self._behaviour.denied
        if after is not None and stats.calls >= after and alone in {None, operation}:
            raise Refused("AccessDeniedException", f"not authorised to call {operation}")
        if self._behaviour.tps is None:
            return
        recent = self._within_a_second[operation]
        while recent and now - recent[0] >= 1:
            recent.popleft()
        if len(recent) >= self._behaviour.tps:
            raise Refused("ProvisionedThroughputExceededException", "Provisioned rate exceeded")
        recent.append(now)

    def _fate(self, key: str, times: int) -> Fate:
        # No secret, but the same for each run.
        chance = random.Random(f"{self._behaviour.seed} {key} {times}").random()  # noqa: S311
        for fate, share in self._behaviour.shares:
            if chance < share:
                return fate
            chance -= share
        return Fate.ANSWER

    async def _decide(
        self, request: web.Request, fate: Fate, call: Call, start: float, stats: Stats
    ) -> web.Response:
        loop = asyncio.get_running_loop()
        answer = self._same
        if call.operation != FACES:
            answer = self._service.beside(call, self._scene)
        elif self._find and fate in {Fate.ANSWER, Fate.SLOW, Fate.GARBAGE}:
            faces = await loop.run_in_executor(self._pixels, self._find, call.picture)
            answer = self._service.faces(faces)
        slow = fate is Fate.SLOW
        wait = self._behaviour.slow_seconds if slow else self._behaviour.latency
        await asyncio.sleep(start + wait - loop.time())
        stats.slow += slow
        if request.transport is None or request.transport.is_closing():
            stats.abandoned += 1
            return web.Response()
        match fate:
            case Fate.ERROR:
                stats.errors += 1
                return self._service.error("InternalServerError", "told to fail")
            case Fate.DROP:
                stats.dropped += 1
                request.transport.abort()
                return web.Response()
            case Fate.GARBAGE:
                stats.garbage += 1
                return self._service.respond(answer[: len(answer) // 2])
            case _:
                stats.answered[call.key] += 1
                return self._service.respond(answer)


def pixels(picture: bytes) -> NDArray[np.uint8]:
    """Decode a picture as BGR, as it is stored, or raise `Refused`."""
    flags = cv2.IMREAD_COLOR_BGR | cv2.IMREAD_IGNORE_ORIENTATION
    image = cv2.imdecode(np.frombuffer(picture, np.uint8), flags)
    if image is None:
        raise Refused("InvalidImageFormatException", "the picture cannot be decoded")
    return np.asarray(image, np.uint8)


def magenta() -> Finder:
    """Find the magenta things; the tests' scripted detector finds the one that is alone."""

    def find(picture: bytes) -> Sequence[Face]:
        blue, green, red = cv2.split(pixels(picture))
        seen = (cv2.subtract(cv2.min(blue, red), green) > 80).astype(np.uint8)
        height, width = seen.shape
        _, _, things, _ = cv2.connectedComponentsWithStats(seen)
        return [
            Face(x / width, y / height, across / width, down / height, 0.99)
            for x, y, across, down, area in things[1:].tolist()  # The first one is the rest.
            if area >= 16
        ]

    return find


def centerface() -> Finder:
    """Find faces with the project's own detector."""
    from redact_dask import detectors  # noqa: PLC0415, by far the slowest import, seldom needed

    detector = detectors.create("centerface", {})

    def find(picture: bytes) -> Sequence[Face]:
        image = pixels(picture)
        width, height = detector.input_size(image.shape[1], image.shape[0])
        scaled = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        (boxes,) = detector.detect(np.asarray(scaled, np.uint8)[None])
        return [
            Face(
                box.x0 / width,
                box.y0 / height,
                (box.x1 - box.x0) / width,
                (box.y1 - box.y0) / height,
                box.confidence,
            )
            for box in boxes
        ]

    return find


def read_faces(
    _: click.Context, __: click.Parameter, value: str | None
) -> Sequence[Face] | Callable[[], Finder]:
    """Return the faces, or what makes their finder."""
    if value is None:
        return FIVE
    if value in {"magenta", "centerface"}:
        return magenta if value == "magenta" else centerface
    try:
        return [Face(*map(float, row)) for row in json.loads(Path(value).read_text())]
    except (OSError, TypeError, ValueError) as error:
        raise click.BadParameter(str(error)) from None


def read_scene(_: click.Context, __: click.Parameter, value: str | None) -> Scene:
    """Return what is found besides faces."""
    if value is None:
        return STREET
    try:
        scene: Scene = dict.fromkeys(STREET, ()) | json.loads(Path(value).read_text())
    except (OSError, TypeError, ValueError) as error:
        raise click.BadParameter(str(error)) from None
    return scene


SHARE = click.FloatRange(0, 1)


@click.command()
@click.option("--port", default=0, help="0: a free one.")
@click.option("--latency", default=0.8, help="Seconds of each accepted call.")
@click.option("--tps", type=click.IntRange(1), help="Most calls of an operation within any second.")
@click.option("--error-share", type=SHARE, default=0.0, help="Answered with InternalServerError.")
@click.option("--drop-share", type=SHARE, default=0.0, help="Closed without an answer.")
@click.option("--slow-share", type=SHARE, default=0.0, help="Answered after --slow-seconds.")
@click.option("--slow-seconds", default=30.0)
@click.option("--garbage-share", type=SHARE, default=0.0, help="Answered with broken JSON.")
@click.option("--deny", is_flag=True, help="Deny all calls.")
@click.option("--deny-after", type=click.IntRange(0), help="Deny all after so many accepted calls.")
@click.option(
    "--deny-only", type=click.Choice([FACES, *BESIDE]), help="With --deny: deny this operation."
)
@click.option("--seed", default=0, help="Of what becomes of a call.")
@click.option(
    "--faces",
    callback=read_faces,
    help="magenta, centerface, or a JSON file of [left, top, width, height, confidence] rows,"
    " all between 0 and 1, the same for each picture; default: five faces.",
)
@click.option(
    "--scene", callback=read_scene, help="A JSON file of what else is found; see standin_scene.py."
)
def main(
    port: int,
    latency: float,
    tps: int | None,
    error_share: float,
    drop_share: float,
    slow_share: float,
    slow_seconds: float,
    garbage_share: float,
    deny: bool,
    deny_after: int | None,
    deny_only: str | None,
    seed: int,
    faces: Sequence[Face] | Callable[[], Finder],
    scene: Scene,
) -> None:
    """Answer on the loopback address until SIGTERM or SIGINT."""
    shares = (
        (Fate.ERROR, error_share),
        (Fate.DROP, drop_share),
        (Fate.SLOW, slow_share),
        (Fate.GARBAGE, garbage_share),
    )
    if sum(share for _, share in shares) > 1:
        raise click.UsageError("the shares are more than 1 together")
    denied_after = 0 if deny else deny_after
    behaviour = Behaviour(latency, slow_seconds, tps, denied_after, deny_only, shares, seed)
    asyncio.run(Server(behaviour, faces, scene).run(port))


class Standin:
    """A stand-in in a process of its own, for tests and benchmarks; ends with its context.

    Parameters
    ----------
    options
        Those of the command line, such as ``"--tps", 25``.
    """

    def __init__(self, *options: object) -> None:
        command = [sys.executable, __file__, *map(str, options)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout
        self.url = self._process.stdout.readline().strip()
        if not self.url:
            raise RuntimeError(f"the stand-in ended with code {self._process.wait()}")

    @property
    def environment(self) -> dict[str, str]:
        """Variables with which a client finds it."""
        return {
            "AWS_ENDPOINT_URL_REKOGNITION": self.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test-secret",
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def stats(self) -> dict[str, Any]:
        """Return `Stats` as they are now."""
        with urllib.request.urlopen(f"{self.url}/stats") as answer:  # noqa: S310
            found: dict[str, Any] = json.load(answer)
            return found

    def reset(self) -> None:
        """Zero the counts, and forget what was used of the quota."""
        urllib.request.urlopen(f"{self.url}/reset", data=b"").close()  # noqa: S310

    def close(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()

    def __enter__(self) -> Standin:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


if __name__ == "__main__":
    main()
