"""How long it takes to list a source in S3: its folders at once, and one page after the other.

``benchmarks/driver.py`` tells how to run a store with the latency of one that is far::

    python benchmarks/listing.py --source s3://bucket/source --videos 100000
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable

import click
from driver_source import fill

from redact_dask import storage
from redact_dask.sources import listing


@click.command()
@click.option("--source", required=True, help="A prefix in S3, which is filled if it is empty.")
@click.option("--videos", default=100_000, help="Objects with which it is filled.")
@click.option("--rounds", default=3)
def main(source: str, videos: int, rounds: int) -> None:
    """Print a Markdown table, with medians of rounds in turns."""
    fill(source, videos)
    ways = {
        "one page after the other": lambda: storage.walk(source, in_order=True),
        "folders at once": lambda: storage.walk(source),
        "folders at once, as videos": lambda: listing.list_videos(source, f"{source}-redacted"),
    }
    took: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
    found: dict[str, int] = {}
    for _ in range(rounds):
        for way, begin in ways.items():
            start, cpu = time.perf_counter(), time.process_time()
            found[way] = count(begin())
            took[way].append((time.perf_counter() - start, time.process_time() - cpu))
    print("| | objects | seconds | objects/s | CPU |\n| --- | ---: | ---: | ---: | ---: |")
    for way, times in took.items():
        seconds, cpu = (statistics.median(each) for each in zip(*times, strict=True))
        rate = found[way] / seconds
        print(f"| {way} | {found[way]:,} | {seconds:.1f} | {rate:,.0f} | {cpu:.1f} s |")


def count(listed: Iterable[object]) -> int:
    """Count what is listed, and hold none of it."""
    return sum(1 for _ in listed)


if __name__ == "__main__":
    main()
