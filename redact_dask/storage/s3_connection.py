"""Connections to S3: turns settings of access into arguments of s3fs.

Every request goes through s3fs's ``call_s3``, which adds to each what the request has a parameter
for. So encryption, class, owner and payer are said here once, and no request lacks them.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from typing import Any

from aiobotocore.credentials import (
    AioAssumeRoleCredentialFetcher,
    AioCredentialResolver,
    AioDeferredRefreshableCredentials,
)
from aiobotocore.session import AioSession
from botocore.credentials import CredentialProvider

from redact_dask.storage.access import Access

_ROLE_SESSION = "redact-dask"
"""Name of an assumed role's sessions, by which CloudTrail tells who made a request."""


def arguments(access: Access) -> dict[str, Any]:
    """Return the arguments of s3fs's file system.

    Raises
    ------
    ImportError
        The checksum needs a package that is not installed.
    """
    if access.checksum == "CRC32C" and find_spec("awscrt") is None:
        raise ImportError("its checksum CRC32C needs awscrt; install redact-dask[crc32c]")
    if access == Access():  # A connection that the environment describes is shared.
        return {}
    given: dict[str, Any] = {
        "endpoint_url": access.endpoint_url,
        "client_kwargs": _given(region_name=access.region_name),
        "requester_pays": access.request_payer is not None,
        "s3_additional_kwargs": _given(
            ExpectedBucketOwner=access.expected_bucket_owner,
            ServerSideEncryption=access.sse,
            SSEKMSKeyId=access.sse_kms_key_id,
            BucketKeyEnabled=access.bucket_key,
            ACL=access.acl,
            StorageClass=access.storage_class,
            ChecksumAlgorithm=access.checksum,
        ),
    }
    if access.role_arn or access.profile or access.access_key_id:
        given["session"] = _session(access)
    return given


def _given(**parameters: Any) -> dict[str, Any]:
    return {name: value for name, value in parameters.items() if value is not None}


@lru_cache(maxsize=64)
def _session(access: Access) -> AioSession:
    """Return the session with the credentials that settings name, always the same one."""
    session = AioSession(profile=access.profile)
    if access.region_name:
        session.set_config_variable("region", access.region_name)
    if access.access_key_id:
        session.set_credentials(
            access.access_key_id, access.secret_access_key, access.session_token
        )
    if access.role_arn is None:
        return session
    assuming = AioSession()
    resolver = AioCredentialResolver([_AssumedRole(session, access.role_arn, access.external_id)])
    assuming.register_component("credential_provider", resolver)
    return assuming


class _AssumedRole(CredentialProvider):  # type: ignore[misc]
    """Gives the credentials of a role, which are asked for again before they expire."""

    METHOD = "assume-role"

    def __init__(self, session: AioSession, role_arn: str, external_id: str | None) -> None:
        super().__init__()
        self._session = session
        self._role_arn = role_arn
        self._asked = _given(RoleSessionName=_ROLE_SESSION, ExternalId=external_id)

    async def load(self) -> AioDeferredRefreshableCredentials:
        """Return credentials that assume the role when they are used first."""
        own = await self._session.get_credentials()
        if own is None:
            raise PermissionError(
                f"no AWS credentials to assume {self._role_arn} with; give this process some"
            )
        fetcher = AioAssumeRoleCredentialFetcher(
            self._session.create_client, own, self._role_arn, extra_args=self._asked
        )
        return AioDeferredRefreshableCredentials(fetcher.fetch_credentials, self.METHOD)
