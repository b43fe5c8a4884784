"""Imported by every Python process that has this folder on its path: writes down and forbids whatever leaves the
machine. Names are not looked up and connections not made, so that nothing leaves while it is tested, either."""

import ipaddress
import os
import sys

_FILE = os.environ["HARNESS_TEST_CALLS"]
_NAMES = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")
_ADDRESSES = ("socket.connect", "socket.sendto")


def _host(event: str, args: tuple[object, ...]) -> str:
    """Return the host that an event asks for or speaks to; empty where it stays in the machine."""
    if event in _NAMES:
        found = args[0]
    elif event in _ADDRESSES and isinstance(args[1], tuple):
        # Other families have no tuple for an address, or do not leave the machine.
        found = args[1][0]
    else:
        return ""
    host = found.decode() if isinstance(found, bytes) else str(found or "localhost")
    try:
        return "" if ipaddress.ip_address(host).is_loopback else host
    except ValueError:
        return "" if host == "localhost" else host


def _listen(event: str, args: tuple[object, ...]) -> None:
    host = _host(event, args)
    if host:
        with open(_FILE, "a", encoding="utf-8") as file:  # noqa: PTH123
            file.write(f"{event} {host} by {sys.argv[:3]}\n")
        raise ConnectionRefusedError(f"{event} {host}: forbidden in this test")


sys.addaudithook(_listen)
with open(_FILE, "a", encoding="utf-8") as _file:  # noqa: PTH123
    _file.write("listening\n")
