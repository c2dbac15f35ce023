"""The catalogue of machines for hire: their vCPUs, and their prices with date and source."""

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
    """A source of prices."""

    url: str
    """Address of the page."""
    read: date | None
    """Day on which the source had these prices; None: the source tells no date."""
    note: str = ""
    """Remark for a person."""


class Price(Section):
    """What a machine costs on one market."""

    dollars_per_hour: float = Field(gt=0)
    """Price, US dollars an hour."""
    source: str
    """Name of a `Source`."""


class Instance(Section):
    """A type of machine."""

    name: str
    vcpus: int = Field(ge=1)
    speed: float = Field(1.0, gt=0)
    """Speed of one vCPU, as a multiple of one core of the machine that was measured. The default is
    an assumption, not a measurement."""
    note: str = ""
    """Remark for a person."""
    prices: dict[str, Price] = Field(min_length=1)
    """Price on each market, ``on demand`` or ``spot``."""

    @property
    def family(self) -> str:
        """Name without the size, such as ``c7i`` for ``c7i.large``."""
        return self.name.rpartition(".")[0]


@dataclass(frozen=True, slots=True)
class Offer:
    """An instance at one of its prices."""

    instance: Instance
    market: str
    """Market of the price, ``on demand`` or ``spot``."""
    price: Price

    @property
    def name(self) -> str:
        """Name of instance and market, for a person."""
        return f"{self.instance.name}, {self.market}"


class Catalogue(Section):
    """All machines, in the order in which tables show them."""

    region: str
    """Region of the prices."""
    sources: dict[str, Source]
    """Sources of the prices, by name."""
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
        """Yield an offer for each price of every instance."""
        for instance in self.instances:
            for market, price in instance.prices.items():
                yield Offer(instance, market, price)


def load(file: str | Path | None = None) -> Catalogue:
    """Read a catalogue.

    Parameters
    ----------
    file
        Path of a YAML file with the keys of `Catalogue`; default: the package's own.

    Raises
    ------
    ConfigError
        The file cannot be read, or a key or value is wrong; the message names it.
    """
    path = Path(file) if file else Path(str(files("redact_dask.bench.sizing") / "catalogue.yaml"))
    settings = loading.read(path)
    try:
        return Catalogue.model_validate(settings)
    except ValidationError as error:
        key, wrong = first_mistake(error, Catalogue)
        raise ConfigError(f"the catalogue {path}: {key + ': ' if key else ''}{wrong}") from None
