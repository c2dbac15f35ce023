"""A catalogue says what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from redact_dask.bench.sizing.catalogue import load
from redact_dask.errors import ConfigError

ONE = """
region: here
sources: {list: {url: "https://example.org", read: 2026-01-01}}
instances:
  - {name: big.large, vcpus: 2, prices: {spot: {dollars_per_hour: 0.5, source: list}}}
"""


def test_our_own_tells_where_each_price_comes_from() -> None:
    catalogue = load()
    offers = [*catalogue.offers()]
    assert {offer.price.source for offer in offers} == set(catalogue.sources)
    assert all(source.url.startswith("https://") for source in catalogue.sources.values())
    families = {offer.instance.family for offer in offers}
    assert {"ml.t3", "ml.c5", "c7i", "c7g", "m7i"} == families
    names = [offer.name for offer in offers]
    assert {"ml.t3.large, on demand", "ml.c5.18xlarge, on demand", "c7i.4xlarge, spot"} <= {*names}


def test_larger_machines_of_a_family_have_more_cores() -> None:
    instances = load().instances
    for family in {instance.family for instance in instances}:
        cores = [one.vcpus for one in instances if one.family == family]
        assert cores == sorted({*cores})


def test_another_one_is_read(tmp_path: Path) -> None:
    file = tmp_path / "machines.yaml"
    file.write_text(ONE)
    (offer,) = load(file).offers()
    assert (offer.name, offer.instance.speed) == ("big.large, spot", 1.0)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("region: here", "", "region: Field required"),
        ("vcpus: 2", "vcpus: 0", "instances.0.vcpus: Input should be greater than or equal to 1"),
        (
            "vcpus: 2",
            "vcpus: 2, cores: 2",
            "instances.0.cores: unknown; known here: name, vcpus, speed, note, prices",
        ),
        ("0.5", "-1", "prices.spot.dollars_per_hour: Input should be greater than 0"),
        ("source: list", "source: mail", "big.large, spot: there is no source named mail"),
        ("{spot: {dollars_per_hour: 0.5, source: list}}", "{}", "instances.0.prices: "),
        ("read: 2026-01-01", "read: soon", "sources.list.read: "),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, old: str, new: str, told: str) -> None:
    file = tmp_path / "machines.yaml"
    file.write_text(ONE.replace(old, new))
    with pytest.raises(ConfigError) as error:
        load(file)
    assert str(error.value).startswith(f"the catalogue {file}: ")
    assert told in str(error.value)


def test_a_machine_is_named_once(tmp_path: Path) -> None:
    file = tmp_path / "machines.yaml"
    file.write_text(f"{ONE}{ONE.splitlines()[-1]}\n")
    with pytest.raises(ConfigError, match=r"big\.large is there twice"):
        load(file)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nothing\.yaml"):
        load(tmp_path / "nothing.yaml")
