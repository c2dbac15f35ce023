"""Machines that can be hired: their cores, and their prices with date and source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from pathlib import Path

from pydantic import Field, ValidationError, model_validator

from redact_dask.config import loading
from redact_dask.config.loading import Section
from redact_dask.errors import ConfigError
from redact_dask.validation import first_mistake


class Source(Section):
    """Where prices come from."""

    url: str
    read: date | None
    """When the prices were those of the source; None: it does not tell."""
    note: str = ""


class Price(Section):
    """What a machine costs on one market."""

    dollars_per_hour: float = Field(gt=0)
    """US dollars."""
    source: str
    """Name of a `Source`."""


class Instance(Section):
    """A kind of machine."""

    name: str
    vcpus: int = Field(ge=1)
    speed: float = Field(1.0, gt=0)
    """Speed of one vCPU, as a multiple of one core of the machine that was measured. The default is
    an assumption, not a measurement."""
    note: str = ""
    prices: dict[str, Price] = Field(min_length=1)
    """By market: ``on demand``, ``spot``."""

    @property
    def family(self) -> str:
        """Name without the size."""
        return self.name.rpartition(".")[0]


@dataclass(frozen=True, slots=True)
class Offer:
    """An instance at one of its prices."""

    instance: Instance
    market: str
    price: Price

    @property
    def name(self) -> str:
        """Name for a person."""
        return f"{self.instance.name}, {self.market}"


class Catalogue(Section):
    """All machines, in the order in which they are shown."""

    region: str
    sources: dict[str, Source]
    instances: tuple[Instance, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _check(self) -> Catalogue:
        names = [instance.name for instance in self.instances]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"{name} is there twice")
        for offer in self.offers():
            if offer.price.source not in self.sources:
                raise ValueError(f"{offer.name}: there is no source named {offer.price.source}")
        return self

    def offers(self) -> Iterator[Offer]:
        """Yield every instance at each of its prices."""
        for instance in self.instances:
            for market, price in instance.prices.items():
                yield Offer(instance, market, price)


def load(file: str | Path | None = None) -> Catalogue:
    """Read a catalogue.

    Parameters
    ----------
    file
        Path of a YAML file with the keys of `Catalogue`; default: the one of the package.

    Raises
    ------
    ConfigError
        It cannot be read, or a key or value is wrong; the sentence names it.
    """
    path = Path(file) if file else Path(str(files("redact_dask.bench.sizing") / "catalogue.yaml"))
    settings = loading.read(path)
    try:
        return Catalogue.model_validate(settings)
    except ValidationError as error:
        key, wrong = first_mistake(error, Catalogue)
        raise ConfigError(f"the catalogue {path}: {key + ': ' if key else ''}{wrong}") from None
