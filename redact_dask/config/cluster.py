"""Settings of the cluster on which the tasks run."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, Field, model_validator

from redact_dask.config.loading import Section


class AdaptSettings(Section):
    """How a cluster grows and shrinks. Other keys are passed on to its ``adapt`` method, too."""

    model_config = ConfigDict(extra="allow")

    minimum: int = Field(1, ge=1)
    """Least number of workers. At least one stays, because a run tries its detectors on a worker
    before it begins."""
    maximum: int | None = Field(None, ge=1)
    """Largest number of workers. By default, the class of the cluster decides."""


class SecuritySettings(Section):
    """Paths of the TLS files, in PEM, by which this process and the cluster trust each other."""

    ca_file: str
    """Path of the certificate of the authority that signed the cluster's certificates."""
    cert: str
    """Path of the certificate of this process."""
    key: str
    """Path of the private key of this process."""
    require_encryption: bool = True
    """Whether a connection without TLS is refused."""


class ClusterSettings(Section):
    """Where the tasks run: workers on this machine, a running scheduler, or a class of clusters."""

    address: str | None = None
    """Address of a running scheduler, such as ``tcp://host:8786`` or ``tls://host:8786``."""
    class_path: str | None = Field(None, alias="class", pattern=r"^\w+(\.\w+)+$")
    """Class that starts a cluster, such as ``dask_kubernetes.operator.KubeCluster``. The cluster is
    closed when the run ends."""
    kwargs: dict[str, Any] = Field(default_factory=dict, repr=False)
    """Keyword arguments with which the class is called."""
    adapt: AdaptSettings | None = None
    """Lets a cluster that a class starts grow and shrink with its tasks."""
    workers: int | None = Field(None, ge=1)
    """Number of worker processes on this machine, with one thread each. By default, one a core."""
    dashboard: str = "127.0.0.1:8787"
    """Address at which Dask's dashboard listens if the workers run on this machine. Another port is
    used if this one is taken."""
    security: SecuritySettings | None = None
    """TLS for the scheduler at ``address``, or for the cluster that ``class`` starts. That class is
    given these settings too."""
    dask: dict[str, Any] = Field(default_factory=dict, repr=False)
    """Dask's own configuration, which is set before the cluster is started or reached. A scheduler
    that already runs keeps its own."""
    wait_s: float = Field(300.0, gt=0)
    """Longest time to wait for the first worker, seconds."""

    def __reduce__(self) -> tuple[type[ClusterSettings], tuple[()]]:
        """Leave the values out of a pickle: workers do not need them, and some are secret."""
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
