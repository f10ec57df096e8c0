"""Refuses every connection that would leave this machine.

An audit hook sees what all Python code of the process does with sockets, also inside C extensions that use
Python's socket module (uvloop's own sockets are out of its sight). It cannot be removed again: that is the point.
"""

import ipaddress
import sys

LOCAL_NAMES = {"localhost", "ip6-localhost", "", None}


class LeftThisMachine(AssertionError):  # noqa: N818 - reads as what it says
    """A test tried to reach another machine."""


def install() -> None:
    """Guard this process from now on. Calling it again does nothing more."""
    if not getattr(sys, "_loopback_guard", False):
        sys._loopback_guard = True  # type: ignore[attr-defined]
        sys.addaudithook(_refuse_strangers)


def is_local(host: object) -> bool:
    """Whether a host name or address means this machine, without asking anybody."""
    if isinstance(host, bytes):
        host = host.decode("idna")
    if host in LOCAL_NAMES:
        return True
    if not isinstance(host, str):
        return False
    if host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host.split("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _refuse_strangers(event: str, args: tuple[object, ...]) -> None:
    if event in {"socket.connect", "socket.sendto", "socket.sendmsg"}:
        address = args[1]
        if isinstance(address, tuple) and address and not is_local(address[0]):
            raise LeftThisMachine(f"{event} to {address[0]!r}: tests talk to this machine only")
    elif event == "socket.getaddrinfo" and not is_local(args[0]):
        raise LeftThisMachine(f"looking up {args[0]!r}: tests talk to this machine only")
