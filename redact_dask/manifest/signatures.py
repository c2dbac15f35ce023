"""Signing with Ed25519 (RFC 8032), with keys in PEM files, as ``openssl genpkey`` writes them."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    load_pem_private_key,
    load_pem_public_key,
)

from redact_dask import storage
from redact_dask.errors import ConfigError, UsageError

PrivateKey = Ed25519PrivateKey
PublicKey = Ed25519PublicKey


def private_key(url: str) -> PrivateKey:
    """Read the private key of a PEM file without a password.

    Raises
    ------
    ConfigError
        The file cannot be read, or holds no such key.
    """
    try:
        key = load_pem_private_key(storage.read(url), None)
    except storage.FAILURES as error:
        raise ConfigError(f"evidence.key: cannot read {url}: {error}") from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, PrivateKey):
        raise ConfigError(
            f"evidence.key: {url} is no private Ed25519 key in PEM without a password; make one "
            "with: openssl genpkey -algorithm ed25519 -out seal.pem"
        )
    return key


def public_key(url: str) -> PublicKey:
    """Read the public key of a PEM file.

    Raises
    ------
    UsageError
        The file cannot be read, or holds no such key.
    """
    try:
        key = load_pem_public_key(storage.read(url))
    except storage.FAILURES as error:
        raise UsageError(f"--public-key: cannot read {url}: {error}") from None
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, PublicKey):
        raise UsageError(
            f"--public-key: {url} is no public Ed25519 key in PEM; `openssl pkey -in seal.pem "
            "-pubout` writes that of a private key"
        )
    return key


def name(key: PublicKey) -> str:
    """Return the 32 bytes of a public key, hexadecimal."""
    return key.public_bytes_raw().hex()


def is_signed(content: bytes, signature: bytes, key: PublicKey) -> bool:
    """Tell whether a signature of a content was made with the private half of a key."""
    try:
        key.verify(signature, content)
    except InvalidSignature:
        return False
    return True
