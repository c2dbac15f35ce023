"""The settings that say where tasks run."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, Field, model_validator

from redact_dask.config.loading import Section


class AdaptSettings(Section):
    """How a cluster grows and shrinks; what is not named here is handed to its ``adapt`` too."""

    model_config = ConfigDict(extra="allow")

    minimum: int = Field(1, ge=1)
    """Workers that stay: a run tries its detectors on one before it begins."""
    maximum: int | None = Field(None, ge=1)
    """Workers at most; default: the class's own."""


class SecuritySettings(Section):
    """Paths of the TLS files, in PEM, by which this process and the cluster know each other."""

    ca_file: str
    """Certificate of the authority that has signed those of the cluster."""
    cert: str
    """Certificate of this process."""
    key: str
    """Its private key."""
    require_encryption: bool = True
    """Whether a connection without TLS is refused."""


class ClusterSettings(Section):
    """Where the tasks run: workers on this machine, a running scheduler, or a class of clusters."""

    address: str | None = None
    """Address of a running scheduler: ``tcp://host:8786``, or ``tls://``."""
    class_path: str | None = Field(None, alias="class", pattern=r"^\w+(\.\w+)+$")
    """A class that starts a cluster, ``dask_kubernetes.operator.KubeCluster``; it is closed when
    the run ends."""
    kwargs: dict[str, Any] = Field(default_factory=dict, repr=False)
    """Arguments of the class."""
    adapt: AdaptSettings | None = None
    """Makes a cluster of a class grow and shrink with its tasks."""
    workers: int | None = Field(None, ge=1)
    """Worker processes on this machine, with one thread each; default: one a core."""
    dashboard: str = "127.0.0.1:8787"
    """Where the dashboard of workers on this machine listens; another port if it is taken."""
    security: SecuritySettings | None = None
    """TLS to a scheduler at an address, or for a cluster of a class, which is given it."""
    dask: dict[str, Any] = Field(default_factory=dict, repr=False)
    """Dask's own configuration, in place before the cluster is made or reached. A scheduler that
    runs already has its own."""
    wait_s: float = Field(300.0, gt=0)
    """Seconds to wait for the first worker."""

    def __reduce__(self) -> tuple[type[ClusterSettings], tuple[()]]:
        """Leave the values out of a pickle: workers have no use for them, and some are secret."""
        return ClusterSettings, ()

    @model_validator(mode="after")
    def _one_place(self) -> ClusterSettings:
        if self.address and self.class_path:
            raise ValueError("address and class exclude each other: reach a cluster or start one")
        if self.address and self.workers:
            raise ValueError(
                "address and workers exclude each other: a running cluster has its own"
            )
        if self.class_path and self.workers:
            raise ValueError(
                "class and workers exclude each other: give the class its own argument in kwargs, "
                "n_workers for most, or set adapt"
            )
        for name, value in (("kwargs", self.kwargs), ("adapt", self.adapt)):
            if value and not self.class_path:
                raise ValueError(f"{name} belongs to class, which is not set")
        if self.security and not (self.class_path or self.address):
            raise ValueError(
                "security belongs to address or class: workers on this machine talk over loopback"
            )
        return self
