"""Changed files in all five stages: each is published exactly, or refused in a sentence.

``python tests/support/fuzz.py --seed 1 --minutes 60 --output /tmp/fuzz`` saves each offending file
there, and tells which case it is; ``--first N --cases 1`` repeats a case.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
from five_stages import Done, run
from magenta import excess
from mutate import mutated
from numpy.typing import NDArray

from redact_dask import config
from redact_dask.errors import CheckFailed, VideoError
from redact_dask.pipeline.job import Job
from redact_dask.sources import listing

CPU_S = 60
"""Longest time that the stages of a case may take, seconds of one core."""
WALL_S = 240
"""Longest time that a case may take while it waits, seconds."""
RESIDENT = 2**30
"""Most memory of a case, bytes: a picture of the largest size that is not refused has 53 MB."""
ADDRESSES = 8 * 2**30
"""Addresses that a case may use, bytes: so that a runaway one does not take the whole machine."""

_MODES: dict[str, dict[str, Any]] = {
    "copied": {"detect": {"detectors": ["magenta"], "every": 1}},
    "lossless": {
        "detect": {"detectors": ["fixed"]},
        "encode": {"preset": "ultrafast", "crf": 0, "copy": "never"},
    },
    "salvaged": {"detect": {"detectors": ["fixed"]}, "on_damage": "salvage"},
}
_ALWAYS = {
    "encode": {"preset": "ultrafast"},
    "chunk": {"seconds": 0.5},
    "redact": {"style": "solid"},
    "track": {"pad_s": 0.1},
}


@dataclass(frozen=True)
class Outcome:
    """What became of a case."""

    case: str
    file: str = ""
    changes: str = ""
    mode: str = ""
    end: str = ""
    """``published``, the class of a named error, or ``finding``."""
    sentence: str = ""
    resident: int = 0
    """Most memory, bytes."""
    seconds: float = 0.0
    deviations: list[str] = field(default_factory=list)
    """What an exact copy may differ in, and what was looked at less closely therefore."""


def make_corpus(folder: Path) -> list[Path]:
    """Make small files of all kinds: 48 frames, four GOPs, a magenta square on 14 frames."""
    program = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-y"]
    plain = folder / "plain.mp4"
    scene = (
        "[0]hue=s=0[back];[back][1]overlay=x=20+2*n:y=30:eval=frame:enable='lt(n,14)',"
        "setparams=colorspace=smpte170m"
    )
    exact = ["-threads", "1", "-fflags", "+bitexact", "-flags:v", "+bitexact"]
    inputs = ["-f", "lavfi", "-i", "testsrc2=s=160x96:r=30"]
    inputs += ["-f", "lavfi", "-i", "color=magenta:s=32x32:r=30"]
    inputs += ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100"]
    codec = "-pix_fmt yuv420p -c:v libx264 -bf 2 -g 12 -sc_threshold 0 -crf 20 -c:a aac"
    length = ["-frames:v", "48", "-t", "1.6"]
    subprocess.run(
        [*program, *inputs, "-filter_complex", scene, *codec.split(), *length, *exact, plain],
        check=True,
    )
    kinds = {
        "fast.mp4": "-c copy -movflags +faststart",
        "fragments.mp4": "-c copy -movflags frag_keyframe+empty_moov",
        "drive.mkv": "-c copy",
        "drive.ts": "-c copy",
        "jpeg.avi": "-c:v mjpeg -q:v 3 -c:a pcm_s16le",
        "reordered.avi": "-c:v copy -c:a pcm_s16le",
        "simple.mp4": "-c:v libx264 -bf 0 -g 12 -an",
        "hevc.mp4": "-c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=12 -an",
        "hevc.mkv": "-c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=12 -an",
        "cut.mp4": "-c copy",
        "mpeg4.avi": "-c:v mpeg4 -bf 2 -g 12 -q:v 3 -c:a libmp3lame",
        "mpeg2.ts": "-c:v mpeg2video -bf 2 -g 12 -q:v 3 -c:a mp2",
        "drive.flv": "-c copy",
        "drive.mov": "-c:v copy -c:a pcm_s16le",
    }
    for name, options in kinds.items():
        before = ["-ss", "0.5"] if name == "cut.mp4" else []
        command = [*program, *before, "-i", plain, *options.split(), *exact, folder / name]
        subprocess.run(command, check=True)
    return [plain, *(folder / name for name in kinds)]


def attempt(source: Path, mode: str, folder: Path) -> tuple[str, str, list[str]]:
    """Take one file through the stages, and judge how that ends."""
    settings = config.validate(_ALWAYS | _MODES[mode])
    destination = folder / "out"
    (video,) = listing.list_videos(str(source), str(destination))
    try:
        done = run(Job.of(video, str(destination), settings))
    except VideoError as error:
        left = [path.name for path in destination.glob("*") if path.is_file()]
        assert not left, f"nothing may be published: {left}"
        sentence = str(error)
        assert sentence.isprintable(), f"no sentence: {sentence!r}"
        if isinstance(error, CheckFailed):  # Only damaged sound may make a bad copy.
            assert sentence.endswith("output.audio: drop publishes the video without audio")
        return type(error).__name__, sentence, []
    return "published", done.probed.info.why_encoded, judge(source, done, mode, folder)


def judge(source: Path, done: Done, mode: str, folder: Path) -> list[str]:
    """Compare a published file with what the ffmpeg program shows of its source."""
    result = Path(done.joined.output)
    after = Shown(result, folder / "after.rgb")
    # Damaged sound is copied as it is, and the program tries its first packets.
    of_sound = any(after.complaints.startswith(f"[{codec}") for codec in done.probed.info.audio)
    assert of_sound or not after.complaints, f"the copy does not decode: {after.complaints}"
    if mode == "salvaged":
        for number in range(len(after.times)):
            assert is_hidden(after.picture(number)), f"frame {number} shows its box"
        return ["salvaged"]
    before = Shown(source, folder / "before.rgb")
    if not before.times:  # Its version is a newer one, which refuses some files.
        assert mode != "lossless" or all(
            is_hidden(after.picture(number)) for number in range(len(after.times))
        )
        return [f"not shown: {before.complaints[:80]}"]
    frames = (len(before.times), len(after.times))
    assert frames[0] == frames[1], f"the source has {frames[0]} frames, its copy {frames[1]}"
    info, deviations = done.probed.info, []
    if info.clock.pts or info.clock.moved:
        deviations.append("times")
    else:
        shift = info.shift * info.time_base
        wanted = [time + shift for time in before.times]
        assert after.times == wanted, f"times {first_difference(wanted, after.times)}"
        deviations += ["shifted"] if shift else []
    assert after.size == before.size, f"{before.size} became {after.size}"
    # FFmpeg shows damage of HEVC with what its memory holds, and says nothing.
    exact = info.codec != "hevc"
    for number in range(len(after.times)):
        regions = done.joined.regions.within(range(number, number + 1)).box
        compare(number, before.picture(number), after.picture(number), mode, regions, exact)
    if before.complaints:
        deviations.append(f"complaints: {before.complaints[:80]}")
    return deviations


def compare(
    number: int,
    before: NDArray[Any],
    after: NDArray[Any],
    mode: str,
    regions: NDArray[Any],
    exact: bool,
) -> None:
    """Compare two pictures: hidden where they must be, and, if ``exact``, alike elsewhere."""
    if mode == "lossless":
        assert is_hidden(after), f"frame {number} shows its box"
        away = np.full(before.shape[:2], exact)
        for x0, y0, x1, y1 in regions.astype(int).tolist():
            away[max(y0 - 3, 0) : y1 + 4, max(x0 - 3, 0) : x1 + 4] = False
        apart = (before != after).any(axis=-1) & away
        assert not apart.any(), f"frame {number} has other pixels, {apart.sum()} of them"
    elif exact:
        found = excess(before) > 100
        assert not (excess(after)[found] > 60).any(), f"frame {number} shows its square"
        seen = (excess(before) > 30) | (after.max(axis=-1) < 24)
        distances = np.abs(before.astype(int) - after)[~seen]
        assert not distances.size or distances.mean() < 8, f"frame {number} is another picture"


def is_hidden(picture: NDArray[Any]) -> bool:
    """Tell whether the middle of a picture is black, where the detector ``fixed`` sees a box."""
    height, width, _ = picture.shape
    middle = picture[height // 3 : height * 2 // 3, width // 3 : width * 2 // 3]
    return bool((middle < 30).all())


def first_difference(wanted: list[Fraction], found: list[Fraction]) -> str:
    pairs = enumerate(zip(wanted, found, strict=True))
    number, (one, other) = next(pair for pair in pairs if pair[1][0] != pair[1][1])
    return f"differ from frame {number} on: {float(one)} s became {float(other)} s"


class Shown:
    """What the ffmpeg program shows of a video: times, pictures, and its complaints."""

    def __init__(self, path: Path, raw: Path) -> None:
        program = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-y", "-threads"]
        command = [*program, "1", "-copyts", "-noautorotate", "-i", f"file:{path}"]
        each = ["-map", "0:V:0", "-fps_mode", "passthrough", "-enc_time_base", "demux"]
        command += [*each, "-f", "framecrc", "-", *each, "-pix_fmt", "rgb24"]
        command += ["-f", "rawvideo", raw]
        done = subprocess.run(command, capture_output=True, errors="replace", check=False)
        self.complaints = (done.stderr.strip().splitlines() or [""])[0]
        self.times: list[Fraction] = []
        self.size, base = (0, 0), Fraction(1)
        for line in done.stdout.splitlines():
            if line.startswith("#tb 0: "):
                base = Fraction(line.removeprefix("#tb 0: "))
            elif line.startswith("#dimensions 0: "):
                width, height = line.removeprefix("#dimensions 0: ").split("x")
                self.size = (int(width), int(height))
            elif not line.startswith("#"):
                self.times.append(int(line.split(",")[2]) * base)
        self._raw = raw

    def picture(self, number: int) -> NDArray[np.uint8]:
        """Return a picture, shape (height, width, 3)."""
        width, height = self.size
        count = 3 * width * height
        data = np.fromfile(self._raw, np.uint8, count, offset=number * count)
        return data.reshape(height, width, 3)


def isolated(case: str, source: Path, changes: str, mode: str, folder: Path) -> Outcome:
    """Try a file in a process of its own, with limits."""
    answer, said = folder / "answer.json", folder / "stderr"
    begun = time.monotonic()
    child = os.fork()
    if not child:
        _in_the_child(source, mode, folder, answer, said)
    status, usage = _wait(child)
    seconds, resident = time.monotonic() - begun, usage.ru_maxrss * 1024
    if answer.exists():
        end, sentence, deviations = json.loads(answer.read_text())
    elif os.WIFSIGNALED(status):
        name = signal.Signals(os.WTERMSIG(status)).name
        end, sentence, deviations = "finding", f"ended by {name}", []
    else:
        end, sentence, deviations = "finding", said.read_text(errors="replace")[-3000:], []
    if resident > RESIDENT:
        end, sentence = "finding", f"{resident >> 20} MiB of memory; {end}: {sentence}"
    found = (case, source.name, changes, mode, end, sentence, resident, seconds, deviations)
    return Outcome(*found)


def _in_the_child(source: Path, mode: str, folder: Path, answer: Path, said: Path) -> None:
    os.setsid()
    os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT), 2)
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S + 5))
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    tempfile.tempdir = str(folder)
    try:
        found = attempt(source, mode, folder)
        (folder / "partial").write_text(json.dumps(found))
        (folder / "partial").rename(answer)
        os._exit(0)
    except BaseException:  # noqa: BLE001 (the parent judges it)
        sys.stderr.write(traceback.format_exc())
        sys.stderr.flush()
        os._exit(1)


def _wait(child: int) -> tuple[int, resource.struct_rusage]:
    """Wait for a process; end it, and all that it has started, if it takes too long."""
    until = time.monotonic() + WALL_S
    while True:
        ended, status, usage = os.wait4(child, os.WNOHANG)
        if ended:
            return status, usage
        if time.monotonic() > until:
            os.killpg(child, signal.SIGKILL)
        time.sleep(0.01)


def cases(seed: int, first: int, corpus: list[Path], folder: Path) -> Iterator[Outcome]:
    """Try one changed file after the other, without end."""
    number = first
    while True:
        chance = random.Random(f"{seed}-{number}")
        original, mode = chance.choice(corpus), chance.choice([*_MODES])
        data, changes = mutated(original.read_bytes(), original.suffix, chance)
        place = folder / "case"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        source = place / original.name
        source.write_bytes(data)
        yield isolated(f"{seed}-{number}", source, changes, mode, place)
        number += 1


def main() -> int:
    """Try cases; return how many of them have a finding, 100 at most."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--cases", type=int, default=10**9)
    parser.add_argument("--minutes", type=float, default=1e9)
    parser.add_argument("--corpus", type=Path, help="a folder with files to change besides")
    parser.add_argument("--output", type=Path, required=True, help="receives offending files")
    given = parser.parse_args()
    given.output.mkdir(parents=True, exist_ok=True)
    until = time.monotonic() + 60 * given.minutes
    ends: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(dir=given.output) as name:
        folder = Path(name)
        (folder / "corpus").mkdir()
        corpus = make_corpus(folder / "corpus")
        if given.corpus:
            corpus += sorted(path for path in given.corpus.iterdir() if path.suffix != ".md")
        with (given.output / "outcomes.jsonl").open("a") as log:
            for outcome in cases(given.seed, given.first, corpus, folder):
                log.write(json.dumps(asdict(outcome)) + "\n")
                log.flush()
                ends[outcome.end] += 1
                if outcome.end == "finding":
                    saved = given.output / f"{outcome.case}-{outcome.file}"
                    shutil.copyfile(folder / "case" / outcome.file, saved)
                    sys.stdout.write(f"{saved}: {outcome.changes}; {outcome.mode}\n")
                    sys.stdout.write(outcome.sentence + "\n")
                    sys.stdout.flush()
                if ends.total() >= given.cases or time.monotonic() > until:
                    break
    sys.stdout.write(f"{ends.total()} cases: {dict(ends)}\n")
    return min(ends["finding"], 100)


if __name__ == "__main__":
    sys.exit(main())
