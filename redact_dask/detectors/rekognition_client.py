"""The client of Amazon Rekognition, and the codes of its errors."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, NoRegionError

from redact_dask.detectors.rekognition_options import RekognitionOptions
from redact_dask.errors import UsageError

THROTTLING = (
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
)
"""Error codes by which the service says that there are too many calls."""
TRANSIENT = ("RequestTimeout", "RequestTimeoutException")
"""Error codes with a status below 500 after which a call is retried all the same."""
OF_THE_PICTURE = (
    "ImageTooLargeException",
    "InvalidImageFormatException",
    "InvalidParameterException",
)
"""Error codes by which the service refuses a picture."""


def connect(options: RekognitionOptions) -> Any:
    """Return a client of boto3; it makes no call yet.

    Raises
    ------
    UsageError
        There are no credentials, or no region is named.
    """
    session = boto3.Session()
    if session.get_credentials() is None:
        raise UsageError(
            "Amazon Rekognition needs AWS credentials, and there are none: give the machine a role "
            "or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        )
    config = Config(
        # The client makes one attempt only, because each retry must wait for its slot.
        retries={"total_max_attempts": 1},
        connect_timeout=min(options.timeout_s, 10.0),
        read_timeout=options.timeout_s,
        max_pool_connections=options.in_flight,
    )
    try:
        return session.client("rekognition", config=config)
    except NoRegionError:
        raise UsageError("Amazon Rekognition needs a region: set AWS_DEFAULT_REGION") from None
    except (BotoCoreError, ValueError) as error:
        raise UsageError(f"Amazon Rekognition cannot be called: {error}") from None
