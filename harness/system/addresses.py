"""Parsing of server and database URIs in one place, with errors that never quote a possible password."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

# Characters that a URI must not contain unescaped (RFC 3986, section 2).
_UNFIT = re.compile(r"[\s\"'<>\\\x00-\x20\x7f]")
_ADVICE = "in a user name or password, write : / ? # [ ] @ % as %3A %2F %3F %23 %5B %5D %40 %25 and a space as %20"


class AddressFaultError(ValueError):
    """An address that cannot be parsed; the message says why and what to do, and quotes nothing of it."""


@dataclass(frozen=True)
class Address:
    """Parts of a URI such as ``postgresql://me:password@host:5432/db``; ``port`` is None if not given."""

    scheme: str
    host: str
    port: int | None
    path: str
    place: str
    """Host and port as they are written, without user and password, in lower case."""


def split_address(address: str) -> Address:
    """Return the parts of ``address``.

    Raises
    ------
    AddressFaultError
        When it holds characters that a URI must not contain, or its host or port cannot be distinguished from its
        password.
    """
    fault, parts, port = "", SplitResult("", "", "", "", ""), None
    if _UNFIT.search(address) or not address.isprintable():
        fault = "it contains a space, a quote or another character that a URI must encode"
    else:
        try:
            parts = urlsplit(address)
            port = parts.port
            # As the library that opens it does.
            (parts.hostname or "").encode("idna")
        except ValueError:
            fault = "its host or port (a number) is invalid"
        if set(":@") & set(parts.netloc) and "@" in parts.path + parts.query + parts.fragment:
            fault = "it has an @ after its host"
    # Outside of the handler: the library's error quotes the address and would be printed as the cause of this one.
    if fault:
        raise AddressFaultError(f"{fault}; {_ADVICE}")
    return Address(parts.scheme, parts.hostname or "", port, parts.path, parts.netloc.rpartition("@")[2].lower())
