"""Settings of how SOURCE and DEST are reached in S3, and how DEST keeps what is written there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from pydantic import Field, SecretStr, model_validator

from redact_dask.config.loading import Section
from redact_dask.storage.access import Access, Checksum, use

Acl = Literal[
    "private",
    "public-read",
    "public-read-write",
    "authenticated-read",
    "aws-exec-read",
    "bucket-owner-read",
    "bucket-owner-full-control",
]


class SourceSettings(Section):
    """How SOURCE is reached.

    Each setting replaces what the environment of the process says. All of them go to the workers
    with the tasks.
    """

    endpoint_url: str | None = Field(None, pattern=r"^https?://")
    """URL of another store than AWS's, such as ``https://minio.example.com``."""
    region_name: str | None = None
    """Region of the bucket, such as ``eu-west-1``."""
    profile: str | None = None
    """Profile of credentials in AWS's own files, which every process must have."""
    access_key_id: SecretStr | None = None
    """Access key, with ``secret_access_key``. Roles and profiles keep secrets out of files."""
    secret_access_key: SecretStr | None = None
    """Secret of the access key."""
    session_token: SecretStr | None = None
    """Token of the access key, if it is one of those that expire."""
    role_arn: str | None = Field(None, pattern=r"^arn:")
    """Role that each process assumes, with the credentials that it has otherwise."""
    external_id: SecretStr | None = None
    """Text that the role's trust policy asks for."""
    expected_bucket_owner: str | None = Field(None, pattern=r"^\d{12}$")
    """Account that must own the bucket; requests to another one's are refused. Put the number in
    quotes."""
    request_payer: Literal["requester"] | None = None
    """``requester``: this side pays the requests to a bucket whose requester pays."""

    @model_validator(mode="after")
    def _credentials_fit(self) -> SourceSettings:
        if (self.access_key_id is None) != (self.secret_access_key is None):
            raise ValueError("access_key_id and secret_access_key belong together: give both")
        if self.session_token and not self.access_key_id:
            raise ValueError("session_token belongs to access_key_id, which is not set")
        if self.profile and self.access_key_id:
            raise ValueError("profile and access_key_id exclude each other: both name credentials")
        if self.external_id and not self.role_arn:
            raise ValueError("external_id belongs to role_arn, which is not set")
        return self

    @property
    def access(self) -> Access:
        """The same, as the store needs it."""
        given: dict[str, Any] = {name: getattr(self, name) for name in type(self).model_fields}
        for name, value in given.items():
            if isinstance(value, SecretStr):
                given[name] = value.get_secret_value()
        return Access(**given)


class DestSettings(SourceSettings):
    """How DEST and the work area are reached, and how they keep what is written there.

    The last six settings hold for every object: copies, manifest, checkpoints and leases.
    """

    sse: Literal["AES256", "aws:kms", "aws:kms:dsse"] | None = None
    """Encryption of each object. By default, ``aws:kms`` if ``sse_kms_key_id`` is given, and else
    what the bucket does."""
    sse_kms_key_id: str | None = None
    """Id, ARN or alias of the KMS key that encrypts. By default, the bucket's or AWS's own."""
    bucket_key: bool | None = None
    """Whether one key of the bucket saves calls to KMS."""
    acl: Acl | None = None
    """Canned ACL, such as ``bucket-owner-full-control`` where another account owns the bucket. A
    bucket without ACLs refuses it."""
    storage_class: str | None = Field(None, pattern=r"^[A-Z0-9_]+$")
    """Storage class, such as ``INTELLIGENT_TIERING``. Some classes bill a least time, also for what
    ``_work`` and ``_lease`` hold for minutes."""
    checksum: Checksum | None = None
    """Checksum that S3 checks on each upload, and keeps. By default, CRC-32 is checked. ``CRC32C``
    needs ``redact-dask[crc32c]`` on all machines."""

    @model_validator(mode="after")
    def _keeping_fits(self) -> DestSettings:
        if self.sse_kms_key_id and self.sse == "AES256":
            raise ValueError(
                "sse AES256 has no key of KMS: leave sse_kms_key_id out, or set sse to aws:kms"
            )
        if self.bucket_key and self._encryption != "aws:kms":
            raise ValueError("bucket_key belongs to the encryption aws:kms: set sse to aws:kms")
        if self.storage_class in ("GLACIER", "DEEP_ARCHIVE"):
            raise ValueError(
                "a run reads what it has written, and archives answer after hours: take "
                "GLACIER_IR, or move copies to the archive later, by a lifecycle rule"
            )
        return self

    @property
    def _encryption(self) -> str | None:
        return self.sse or ("aws:kms" if self.sse_kms_key_id else None)

    @property
    def access(self) -> Access:
        """The same, as the store needs it."""
        return replace(super().access, sse=self._encryption)


class S3Settings(Section):
    """How SOURCE and DEST are reached if they lie in S3. Nothing here changes a copy."""

    source: SourceSettings = SourceSettings()
    dest: DestSettings = DestSettings()

    def use(self, source: str | None, destination: str | None, work: str | None) -> None:
        """Let this process reach a run's places with these settings; see `storage.access.use`."""
        use(source, destination, work, self.source.access, self.dest.access)
