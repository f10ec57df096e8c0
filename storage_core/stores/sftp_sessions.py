"""Connections to SFTP servers: who the server is and who we are, settled before anything is read or written."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncssh

from storage_core.config import Config, SftpLogin
from storage_core.errors import AccessError, SynapseStorageError, TransferBroken, TransferFailed, UsageError
from storage_core.plan.sftp_addresses import SSH_PORT, SftpAddress, login_for

_KEEPALIVE_SECONDS = 15
_FINGERPRINT = "SHA256:"
# the first of these that both sides know: twice as fast as what is negotiated without it
_CIPHERS = "^aes128-gcm@openssh.com,aes256-gcm@openssh.com"


class SftpSessions:
    """One connection per server and user, opened when it is first needed and again when it broke."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._open: dict[tuple[str, int, str], tuple[asyncssh.SSHClientConnection, asyncssh.SFTPClient]] = {}
        self._opening = asyncio.Lock()

    async def client(self, address: SftpAddress) -> asyncssh.SFTPClient:
        """A client that is signed in to the server of *address*; it is shared, and not to be closed.

        Raises:
            AccessError: the server is not the one it should be, or does not let us in; or no login is configured.
            TransferBroken: it does not answer.
        """
        login = login_for(self._config.sftp_logins, address)
        username = (login.username if login else "") or address.username or ""
        if not username:
            raise _no_login(address)
        key = (address.host, address.port, username)
        async with self._opening:
            if key not in self._open or self._open[key][0].is_closed():
                self._open[key] = await self._connected(address, username, login)
            return self._open[key][1]

    async def aclose(self) -> None:
        """Hang up everywhere."""
        while self._open:
            _, (connection, client) = self._open.popitem()
            client.exit()
            connection.close()
            await connection.wait_closed()

    async def _connected(
        self, address: SftpAddress, username: str, login: SftpLogin | None
    ) -> tuple[asyncssh.SSHClientConnection, asyncssh.SFTPClient]:
        known = await asyncio.to_thread(_known_hosts, self._config.known_hosts, address, login)
        witness = _Witness(login.host_key if login else None)
        options = _credentials(address, login)
        with _reached(address), translated(address, f"let {username} in"):
            try:
                connection = await asyncssh.connect(
                    address.host,
                    address.port,
                    options=options,
                    username=username,
                    known_hosts=known,
                    client_factory=lambda: witness,
                    # nobody's personal ssh configuration decides what this tool does
                    config=None,
                    encryption_algs=_CIPHERS,
                    connect_timeout=self._config.connect_seconds,
                    login_timeout=self._config.connect_seconds * 3,
                    keepalive_interval=_KEEPALIVE_SECONDS,
                )
            except asyncssh.HostKeyNotVerifiable as error:
                raise _stranger(address, known, witness, error) from error
            try:
                return connection, await connection.start_sftp_client()
            except BaseException:  # nothing is swallowed: it is cleaned up and raised again
                connection.close()
                raise


class _Witness(asyncssh.SSHClient):
    """Is asked about host keys that no known_hosts file vouches for; believes a pinned fingerprint only."""

    def __init__(self, pinned: str | None) -> None:
        self._pinned = pinned
        self.shown: str | None = None

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:  # noqa: ARG002 - the library's signature
        """Remember what was shown, and compare it with the pin."""
        self.shown = key.get_fingerprint()
        return self._pinned is not None and self._pinned.strip() == self.shown


def _credentials(address: SftpAddress, login: SftpLogin | None) -> asyncssh.SSHClientConnectionOptions:
    """Exactly what was configured; the user's own keys and agent where nothing was."""
    if login is not None and login.private_key:
        keys = [_private_key(address, login)]
        password = login.password.reveal() or None
        return asyncssh.SSHClientConnectionOptions(config=None, client_keys=keys, agent_path=None, password=password)
    if login is not None and login.password.reveal():
        return asyncssh.SSHClientConnectionOptions(
            config=None, client_keys=None, agent_path=None, password=login.password.reveal()
        )
    return asyncssh.SSHClientConnectionOptions(config=None)


def _private_key(address: SftpAddress, login: SftpLogin) -> asyncssh.SSHKey:
    path = Path(login.private_key or "").expanduser()
    fix = f"Correct private_key and passphrase under [{address.server}] in your configuration file."
    try:
        return asyncssh.read_private_key(path, login.passphrase.reveal() if login.passphrase else None)
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
        raise AccessError(f"The private key {path} for {address.server} cannot be used: {error}.", fix=fix) from error
    except OSError as error:
        raise AccessError(f"The private key {path} cannot be read: {error.strerror}.", fix=fix) from error


def _known_hosts(paths: tuple[Path, ...], address: SftpAddress, login: SftpLogin | None) -> asyncssh.SSHKnownHosts:
    """What is known: the pinned key alone where there is one, else what the files say."""
    if login is not None and login.host_key:
        pinned = login.host_key.strip()
        name = address.host if address.port == SSH_PORT else f"[{address.host}]:{address.port}"
        return asyncssh.import_known_hosts("" if pinned.startswith(_FINGERPRINT) else f"{name} {pinned}\n")
    texts = []
    for path in paths:
        try:
            texts.append(path.read_text(encoding="utf-8", errors="replace"))
        except FileNotFoundError:
            continue
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror}.", fix="Correct its permissions.") from error
    try:
        return asyncssh.import_known_hosts("\n".join(texts) + "\n")
    except ValueError as error:
        named = ", ".join(str(path) for path in paths)
        raise UsageError(f"A line of {named} makes no sense: {error}.", fix="Correct or remove that line.") from error


def _stranger(address: SftpAddress, known: asyncssh.SSHKnownHosts, witness: _Witness, error: Exception) -> AccessError:
    expected, *_ = known.match(address.host, "", address.port)
    shown = f" (it shows {witness.shown})" if witness.shown else ""
    if expected or witness._pinned:  # noqa: SLF001 - of this module
        return AccessError(
            f"{address.server} shows another host key than the one you know{shown}: it may be somebody else.",
            fix="Ask who runs the server. If the key was changed on purpose, replace the old one in known_hosts, or"
            " host_key in your configuration file.",
        )
    return AccessError(
        f"Nobody vouches for {address.server}: its host key is not known here{shown}. {error}.",
        fix=f"Compare the key with what its owner tells you, then add it: ssh-keyscan -p {address.port} {address.host}"
        f" >> ~/.ssh/known_hosts, or write host_key under [{address.server}] in your configuration file.",
    )


def _no_login(address: SftpAddress) -> AccessError:
    return AccessError(
        f"There is no login for {address.server}.",
        fix=f"Write a section [{address.server}] with username and password or private_key to ~/.synapseConfig, or set"
        " SYNAPSE_SFTP_URL, SYNAPSE_SFTP_USERNAME and SYNAPSE_SFTP_PASSWORD or SYNAPSE_SFTP_PRIVATE_KEY.",
    )


_GONE = (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath)
_CLOSED = (asyncssh.SFTPPermissionDenied, asyncssh.SFTPWriteProtect)
_FULL = (asyncssh.SFTPNoSpaceOnFilesystem, asyncssh.SFTPQuotaExceeded)
_LOST = (asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection)


@contextmanager
def translated(address: SftpAddress, doing: str) -> Iterator[None]:
    """Turn what the library raises into our errors; *doing* completes "could not …"."""
    try:
        yield
    except asyncssh.SFTPError as error:
        raise _sftp_error(error, address, doing) from error
    except asyncssh.PermissionDenied as error:
        raise AccessError(
            f"{address.server} could not {doing}: {error.reason}.",
            fix=f"Check username, password or private_key under [{address.server}] in your configuration file.",
        ) from error
    except (asyncssh.Error, ConnectionError) as error:
        why = getattr(error, "reason", "") or str(error) or type(error).__name__
        raise TransferBroken(
            f"{address.server} could not {doing}: {why}.", fix="Run the same command again; it goes on from here."
        ) from error


@contextmanager
def _reached(address: SftpAddress) -> Iterator[None]:
    try:
        yield
    except socket.gaierror as error:
        raise TransferFailed(
            f"There is no server {address.host}: {error.strerror}.", fix="Check its name and your network."
        ) from error
    except (OSError, TimeoutError) as error:
        why = str(error) or "it took too long"
        raise TransferBroken(f"{address.server} was not reached: {why}.", fix="Run the same command again.") from error


def full(address: SftpAddress, doing: str) -> TransferFailed:
    """The error for a disk or quota that has no room left."""
    return TransferFailed(
        f"{address.server} is full: it could not {doing}.", fix="Ask its owner for more room, then run again."
    )


def _sftp_error(error: asyncssh.SFTPError, address: SftpAddress, doing: str) -> SynapseStorageError:
    what = f"{address.server} could not {doing}"
    if isinstance(error, _GONE):
        return TransferFailed(f"{what}: there is no {address.path}.", fix="Ask its owner where the file went.")
    if isinstance(error, _CLOSED):
        return AccessError(f"{what}: permission denied.", fix="Ask its owner for the right to do that.")
    if isinstance(error, _FULL):
        return full(address, doing)
    if isinstance(error, _LOST):
        return TransferBroken(f"{what}: {error.reason}.", fix="Run the same command again; it goes on from here.")
    return TransferFailed(f"{what}: {error.reason}.", fix="Ask its owner what the server's log says.")
