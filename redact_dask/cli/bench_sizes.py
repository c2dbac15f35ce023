"""``redact-dask bench sizes``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import track

from redact_dask import config, detectors
from redact_dask.bench.sizing import catalogue, compare, measure, offers, plots, store, tables
from redact_dask.bench.sizing.measure import Run
from redact_dask.cli.options import exit_on_error
from redact_dask.config import DetectSettings
from redact_dask.errors import UsageError
from redact_dask.storage import scratch


@click.command()
@click.argument("clips", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--processes", type=click.IntRange(min=1), multiple=True, default=(1, 2), show_default=True
)
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    multiple=True,
    default=(1,),
    show_default=True,
    help="Of each process.",
)
@click.option(
    "--chunk",
    "chunks",
    metavar="SECONDS",
    type=click.FloatRange(min=0, min_open=True),
    multiple=True,
    default=(10.0,),
    show_default=True,
    help="Longest chunk.",
)
@click.option(
    "--detector", "names", metavar="NAME", multiple=True, default=("centerface",), show_default=True
)
@click.option(
    "--repeats", type=click.IntRange(min=1), default=3, show_default=True, help="Rounds of all."
)
@click.option("--config", "file", metavar="FILE", help="Settings in YAML that all shapes share.")
@click.option(
    "--set", "assignments", metavar="SECTION.KEY=VALUE", multiple=True, help="One of them."
)
@click.option(
    "--catalogue", "machines", metavar="FILE", help="Machines and prices; default: our own."
)
@click.option(
    "--output",
    metavar="DIR",
    type=click.Path(path_type=Path),
    default=Path("sizes"),
    show_default=True,
    help="For tables, plots and the runs in Parquet, which are appended.",
)
def sizes(
    clips: tuple[Path, ...],
    processes: tuple[int, ...],
    threads: tuple[int, ...],
    chunks: tuple[float, ...],
    names: tuple[str, ...],
    repeats: int,
    file: str | None,
    assignments: tuple[str, ...],
    machines: str | None,
    output: Path,
) -> None:
    """Measure worker shapes on CLIPS, and predict time and price of machines to hire.

    Every combination of the repeated options is measured on this machine, in rounds, each with a
    cluster that is warm; the first shape twice, which shows the noise. From what the stages take
    with one worker, a model predicts the others, which shows its error, and the machines of the
    catalogue.

    \b
    Exit codes: 0 measured; 2 a wrong argument or setting, nothing was done; 3 a clip was
    quarantined; 1 anything else.
    """
    console = Console(stderr=True)
    with exit_on_error(console):
        hired = catalogue.load(machines)
        plots.prepare()
        for clip in clips:
            if not clip.is_file():
                raise UsageError(f"the clip {clip} is not there")
        base = config.load(file, assignments)
        shared = base.model_dump(by_alias=True, exclude_unset=True, exclude={"cluster"})
        shapes = measure.matrix(processes, threads, chunks, names)
        settings = {shape.detector: shape.settings(shared).detect for shape in shapes}
        runs = _measured(shapes, clips, shared, repeats, console)
        store.append(output, runs)
        _write(output, runs, hired, settings)


def _measured(
    shapes: list[measure.Shape],
    clips: tuple[Path, ...],
    shared: Mapping[str, Any],
    repeats: int,
    console: Console,
) -> list[Run]:
    with scratch.folder() as folder:
        going = measure.measure(shapes, clips, shared, repeats, folder)
        total = repeats * (len(shapes) + 1)
        return [*track(going, "measuring", total=total, console=console)]


def _write(
    output: Path,
    runs: list[Run],
    hired: catalogue.Catalogue,
    settings: Mapping[str, DetectSettings],
) -> None:
    found = [
        one
        for name, detect in settings.items()
        for one in compare.series([run for run in runs if run.shape.detector == name], _tps(detect))
    ]
    pages = [tables.measured(found)]
    plots.measured(found, output / "measured.svg")
    for name, detect in settings.items():
        first = next(run for run in runs if run.shape.detector == name)
        frames, rate = first.frames / first.videos, first.frames / first.seconds
        works = offers.workloads(frames, rate, first.shape.chunk_s)
        costs = compare.costs(runs, name)
        answers = offers.answer(hired, costs, works, _tps(detect), detect.dollars)
        pages.append(tables.predicted(answers, works, hired, name))
        plots.predicted(answers, works, output / f"predicted-{name}.svg")
    text = "\n\n".join(pages)
    (output / "sizes.md").write_text(f"{text}\n", encoding="utf-8")
    click.echo(text)
    click.echo(f"\ntables and plots  {output}")


def _tps(detect: DetectSettings) -> float:
    """Return the quota that is set for a paid detector, calls a second; infinite if none is."""
    options = (detectors.options(name, detect.options.get(name, {})) for name in detect.detectors)
    return min((getattr(found, "tps", None) or math.inf for found in options), default=math.inf)
