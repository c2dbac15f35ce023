"""Nothing is published that shows what was to be hidden."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from av.video.frame import VideoFrame
from five_stages import run
from fixture_types import MakeClip
from plans import plan

from redact_dask import config
from redact_dask.config import RedactSettings
from redact_dask.errors import CheckFailed
from redact_dask.media.planes import planes
from redact_dask.pipeline import stages
from redact_dask.pipeline.job import Job
from redact_dask.records import Probed, Region, RegionOrigin, Rendered, Tracked
from redact_dask.redaction import hide
from redact_dask.redaction.zones import Area
from redact_dask.sources import listing

Prepare = Callable[..., Job]


@pytest.fixture(scope="module")
def clip(make_clip: MakeClip, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip of three GOPs."""
    return make_clip(tmp_path_factory.mktemp("three") / "clip.mp4", frames=45)


@pytest.fixture
def prepare(clip: Path, tmp_path: Path) -> Prepare:
    """Make a job of the clip, or of another file, with some settings of the redaction."""

    def make(
        path: Path = clip,
        crf: float = 22,
        copy: str = "auto",
        zones: Sequence[object] = (),
        **redact: object,
    ) -> Job:
        source = tmp_path / "source" / path.name
        source.parent.mkdir()
        shutil.copy2(path, source)
        destination = tmp_path / "out"
        (video,) = listing.list_videos(str(source), str(destination))
        settings = {
            "chunk": {"seconds": 0.9},
            "detect": {"detectors": ["magenta"], "every": 1},
            "encode": {"preset": "ultrafast", "crf": crf, "copy": copy},
            "redact": redact,
            "zones": [*zones],
        }
        return Job.of(video, str(destination), config.validate(settings))

    return make


def refuses(job: Job, sentence: str) -> None:
    """Check that the five stages publish nothing, for this reason."""
    with pytest.raises(CheckFailed, match=sentence):
        run(job)
    assert not list(Path(job.destination).glob("*.mp4"))


@pytest.mark.parametrize(
    ("style", "shape"), [("pixelate", "rectangle"), ("gaussian", "ellipse"), ("solid", "rectangle")]
)
def test_what_was_not_hidden_is_not_published(
    prepare: Prepare, monkeypatch: pytest.MonkeyPatch, style: str, shape: str
) -> None:
    monkeypatch.setattr(hide, "hide", lambda *_: None)
    refuses(prepare(style=style, shape=shape), "frame 0 still shows what was to be hidden")


def test_what_was_hidden_only_in_luma_is_not_published(
    prepare: Prepare, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = hide.hide

    def only_luma(frame: VideoFrame, regions: Iterable[Region], settings: RedactSettings) -> None:
        colours = [plane.pixels.copy() for plane in planes(frame)][1:]
        right(frame, regions, settings)
        for (pixels, _, _), colour in zip([*planes(frame)][1:], colours, strict=True):
            pixels[:] = colour

    monkeypatch.setattr(hide, "hide", only_luma)
    refuses(prepare(), "still shows what was to be hidden")


def test_what_was_hidden_from_the_second_chunk_on_is_not_published(
    prepare: Prepare, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = hide.hide

    def late(frame: VideoFrame, regions: list[Region], settings: RedactSettings) -> None:
        if regions[0].frame >= 30:
            right(frame, regions, settings)

    monkeypatch.setattr(hide, "hide", late)
    refuses(prepare(), "frame 0 still shows what was to be hidden")


@pytest.mark.parametrize(
    ("crf", "style", "shape"),
    [
        (0, "gaussian", "ellipse"),
        (22, "pixelate", "rectangle"),
        (22, "pixelate", "ellipse"),
        (22, "gaussian", "rectangle"),
        (22, "solid", "rectangle"),
        (45, "solid", "ellipse"),
        (45, "pixelate", "rectangle"),
    ],
)
def test_what_was_hidden_is_published(prepare: Prepare, crf: float, style: str, shape: str) -> None:
    done = run(prepare(crf=crf, style=style, shape=shape))
    assert Path(done.joined.output).exists()
    assert "prove" in dict(done.joined.timing.steps)


class TestZones:
    """What zones hide on each frame is proven on frames with and without a region."""

    ZONES = ({"hide": [[[0, 0.6], [1, 1]]]},)

    def test_what_is_covered_is_published(self, prepare: Prepare) -> None:
        assert Path(run(prepare(zones=self.ZONES)).joined.output).exists()

    @pytest.mark.parametrize("crf", [0, 22, 45])
    def test_a_zone_that_is_not_covered(
        self, prepare: Prepare, monkeypatch: pytest.MonkeyPatch, crf: float
    ) -> None:
        monkeypatch.setattr(hide, "cover", lambda *_: None)
        refuses(prepare(crf=crf, zones=self.ZONES), "frame 0 still shows what zones hide")

    def test_a_zone_of_which_a_corner_is_not_covered(
        self, prepare: Prepare, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def but_for_a_corner(frame: VideoFrame, area: Area) -> None:
            part = area.luma.copy()
            part[-32:, :32] = False
            right(frame, Area(part))

        right = hide.cover
        monkeypatch.setattr(hide, "cover", but_for_a_corner)
        refuses(prepare(zones=self.ZONES), "frame 0 still shows what zones hide")

    def test_a_zone_that_is_covered_only_on_frames_with_a_region(
        self, prepare: Prepare, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job = prepare(zones=self.ZONES)
        probed = stages.probe(job)
        tracked = on_square(job, probed)
        with_region, right = set(), hide.cover
        monkeypatch.setattr(hide, "hide", lambda frame, *_: with_region.add(frame.pts))
        monkeypatch.setattr(
            hide, "cover", lambda frame, area: frame.pts in with_region and right(frame, area)
        )
        rendered = [stages.render(job, probed.info, chunk, tracked) for chunk in probed.chunks]
        with pytest.raises(CheckFailed, match="frame 0 still shows what zones hide"):
            stages.join(job, probed, [tracked], rendered)

    def test_a_zone_that_would_be_copied(self, prepare: Prepare) -> None:
        job = prepare(zones=self.ZONES)
        plain = replace(job, config=job.config.model_copy(update={"zones": ()}))
        probed = stages.probe(plain)
        tracked = plan(plain, probed)
        rendered = [stages.render(plain, probed.info, chunk, tracked) for chunk in probed.chunks]
        with pytest.raises(CheckFailed, match="frame 0 has something to hide, but was copied"):
            stages.join(job, probed, [tracked], rendered)
        assert not Path(probed.target).exists()


class TestPlan:
    """The plan that was tracked is compared with what was rendered."""

    @pytest.fixture
    def job(self, prepare: Prepare) -> Job:
        return prepare()

    @pytest.fixture
    def probed(self, job: Job) -> Probed:
        return stages.probe(job)

    def rendered(self, job: Job, probed: Probed, tracked: Tracked) -> list[Rendered]:
        return [stages.render(job, probed.info, chunk, tracked) for chunk in probed.chunks]

    def refuses(self, job: Job, probed: Probed, rendered: list[Rendered], sentence: str) -> None:
        with pytest.raises(CheckFailed, match=sentence):
            stages.join(job, probed, [on_square(job, probed)], rendered)
        assert not Path(probed.target).exists()

    def test_what_is_at_its_place_is_published(self, job: Job, probed: Probed) -> None:
        tracked = on_square(job, probed)
        rendered = self.rendered(job, probed, tracked)
        assert any(made.copied for made in rendered)
        stages.join(job, probed, [tracked], rendered)
        assert Path(probed.target).exists()

    def test_a_region_at_another_place(self, job: Job, probed: Probed) -> None:
        rendered = self.rendered(job, probed, on_square(job, probed, beside=60))
        self.refuses(job, probed, rendered, "frame 35 still shows .* around x 77, y 55;")

    def test_a_region_that_would_be_copied(self, job: Job, probed: Probed) -> None:
        rendered = self.rendered(job, probed, plan(job, probed))
        self.refuses(job, probed, rendered, "frame 35 has something to hide, but was copied")


def on_square(job: Job, probed: Probed, beside: int = 0) -> Tracked:
    """Return regions around the square of the clip, or beside it, in the middle of the clip."""
    region = Region(0, 0, 7.0, 55.0, 57.0, 105.0, RegionOrigin.DETECTED, "face", "told")
    regions = (
        replace(region, frame=n, x0=region.x0 + 2 * n + beside, x1=region.x1 + 2 * n + beside)
        for n in range(35, 45)
    )
    return plan(job, probed, regions)
