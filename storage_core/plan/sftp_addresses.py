"""Addresses of files on SFTP servers, and which login belongs to one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar
from urllib.parse import quote, unquote, urlsplit

from storage_core.errors import UsageError

SSH_PORT = 22


@dataclass(frozen=True, slots=True, kw_only=True)
class SftpAddress:
    """A path on a server: absolute, decoded. `username` is what the address itself says, mostly nothing."""

    host: str
    port: int
    path: str
    username: str | None = None

    @property
    def server(self) -> str:
        """The server as a person names it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"sftp://{host}" if self.port == SSH_PORT else f"sftp://{host}:{self.port}"


class HasUrl(Protocol):
    """Belongs to a server."""

    @property
    def url(self) -> str:
        """The server's address."""
        ...


T = TypeVar("T", bound=HasUrl)


def read_sftp_address(url: str) -> SftpAddress:
    """Take an address apart.

    Raises:
        UsageError: it is none of a file or folder on an SFTP server.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    path = unquote(parts.path)
    if parts.scheme.lower() != "sftp" or not host or not path.strip("/") or _has_odd_segments(path):
        raise UsageError(
            f"{url!r} is not the address of a file on an SFTP server.", fix="It has the form sftp://host/folder/file."
        )
    username = unquote(parts.username) if parts.username else None
    return SftpAddress(host=host, port=port or SSH_PORT, path=path, username=username)


def file_address(folder_url: str, file_name: str) -> str:
    """The address of a file in a folder, with whatever needs it percent-encoded."""
    return f"{folder_url.rstrip('/')}/{quote(file_name, safe='')}"


def login_for(logins: Sequence[T], address: SftpAddress) -> T | None:
    """The first login whose server this is: one that names the port before one that names only the host."""
    any_port: T | None = None
    for login in logins:
        host, port = _server_of(login.url)
        if host != address.host:
            continue
        if port == address.port:
            return login
        if port is None and any_port is None:
            any_port = login
    return any_port


def _server_of(url: str) -> tuple[str | None, int | None]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None, None
    return parts.hostname, port


def _has_odd_segments(path: str) -> bool:
    # a path that leads up again, or that no server can mean
    return "\0" in path or any(segment in {".", ".."} for segment in path.split("/"))
