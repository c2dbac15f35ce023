"""``redact-dask bench sizes``: measures worker shapes, and predicts time and price of machines."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.progress import track

from redact_dask import config
from redact_dask.bench.sizing import catalogue, measure, plots, study
from redact_dask.cli.exit_codes import exit_on_error
from redact_dask.errors import UsageError
from redact_dask.storage import scratch


@click.command()
@click.argument("clips", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--processes",
    type=click.IntRange(min=1),
    multiple=True,
    default=(1, 2),
    show_default=True,
    help="Worker processes.",
)
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    multiple=True,
    default=(1,),
    show_default=True,
    help="Threads of each process.",
)
@click.option(
    "--chunk",
    "chunks",
    metavar="SECONDS",
    type=click.FloatRange(min=0, min_open=True),
    multiple=True,
    default=(10.0,),
    show_default=True,
    help="Shortest length of a chunk.",
)
@click.option(
    "--detector",
    "names",
    metavar="NAME",
    multiple=True,
    default=("faces",),
    show_default=True,
    help="Detector that is used.",
)
@click.option(
    "--repeats",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="Rounds in which all shapes are measured.",
)
@click.option("--config", "file", metavar="FILE", help="Settings in YAML that all shapes share.")
@click.option(
    "--set",
    "assignments",
    metavar="SECTION.KEY=VALUE",
    multiple=True,
    help="One setting that all shapes share.",
)
@click.option(
    "--catalogue",
    "machines",
    metavar="FILE",
    help="Machines and their prices. Default: the catalogue of this package.",
)
@click.option(
    "--output",
    metavar="DIR",
    type=click.Path(path_type=Path),
    default=Path("sizes"),
    show_default=True,
    help="Folder for tables, plots and the runs in Parquet, to which new runs are appended.",
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

    Every combination of the repeated options is a shape. The shapes are measured on this machine,
    in rounds, each on a warm cluster. The first shape is measured twice in a round, which shows the
    noise. From the times of the stages with one worker, a model predicts the other shapes, which
    shows its error, and the machines of the catalogue.

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
        total = repeats * (len(shapes) + 1)
        with scratch.folder() as folder:
            going = measure.measure(shapes, clips, shared, repeats, folder)
            runs = [*track(going, "measuring", total=total, console=console)]
        detect = {shape.detector: shape.settings(shared).detect for shape in shapes}
        text = study.write(output, runs, hired, detect)
    click.echo(text)
    click.echo(f"\ntables and plots  {output}")
