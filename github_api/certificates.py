"""Loads the TLS certificates that our HTTP clients trust."""

import os
import ssl
from pathlib import Path

NAMED_BY = ("SSL_CERT_FILE", "SSL_CERT_DIR")
"""Environment variables from which httpx loads certificates, in this order, before its own."""


class BadCertificates(ValueError):
    """The certificates to trust cannot be read. The message names the variable that names their file."""


def trusted(ca_file: Path | None = None, named_by: str = "REPORTBACK_CA_FILE") -> ssl.SSLContext:
    """A TLS context that trusts the certificates in *ca_file*; else those the environment names, or httpx's own.

    *named_by*: the setting that names the file, for the error message.

    Raises:
        BadCertificates: they cannot be read.
    """
    import httpx  # noqa: PLC0415  # slow to import, and a command is not to wait for it

    try:
        return httpx.create_ssl_context() if ca_file is None else ssl.create_default_context(cafile=ca_file)
    except OSError as error:  # an SSLError is one
        raise BadCertificates(_said(ca_file, named_by, error)) from None


def check_named() -> None:
    """Check that certificates named by the environment can be read: otherwise Prefect cannot even be imported.

    Raises:
        BadCertificates: they cannot be read.
    """
    file, folder = (os.environ.get(name) for name in NAMED_BY)
    try:
        if file or folder:
            ssl.create_default_context(cafile=file or None, capath=None if file else folder)
    except OSError as error:
        raise BadCertificates(_said(None, "", error)) from None


def _said(ca_file: Path | None, named_by: str, error: OSError) -> str:
    name = next((one for one in NAMED_BY if os.environ.get(one)), "")
    where = f"{named_by} ({ca_file})" if ca_file else f"{name} ({os.environ.get(name)})"
    why = "no certificate in it" if isinstance(error, ssl.SSLError) else error.strerror
    return f"the certificates that {where} names cannot be read: {why}; correct it, or do not set it"
