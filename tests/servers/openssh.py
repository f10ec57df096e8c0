"""An OpenSSH server on loopback: internal-sftp only, a host key of its own, logins by password and by key.

As root it runs like one on the open internet does: an account made for it, locked into a folder (chroot). Others get
a server of their own account, which knows keys only and locks nobody in; `has_passwords` tells which one it is.
"""

import getpass
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.servers.processes import ServerMissingError, accepts, free_port, program, running

_PACKAGE = "the Debian package openssh-server"
_SMALL_DISK = "size=4m"


@dataclass(frozen=True, slots=True, kw_only=True)
class SftpServer:
    """A running server.

    Attributes:
        upload: the folder users write to, seen from this machine; `upload_path` is its name on the server.
        full: a folder on a disk of 4 MB (`full_path` on the server); None where none can be made.
        has_passwords: whether the account has a password; else only the key opens it.
        host_key: the public key of the server, as known_hosts has it behind the name.
    """

    host: str
    port: int
    username: str
    password: str
    user_key: Path
    host_key: str
    upload: Path
    upload_path: str
    full: Path | None
    full_path: str
    has_passwords: bool

    @property
    def url(self) -> str:
        """The address a storage location of this server has."""
        return f"sftp://{self.host}:{self.port}{self.upload_path}"

    def known_hosts(self, path: Path) -> Path:
        """Write a known_hosts file that knows this server."""
        path.write_text(f"[{self.host}]:{self.port} {self.host_key}\n")
        return path


@contextmanager
def openssh_server(folder: Path, *, host: str = "127.0.0.1", port: int | None = None) -> Iterator[SftpServer]:
    """Run sshd with its files in *folder*, on a free port if none is given; raises ServerMissingError."""
    sshd = program("sshd", comes_with=_PACKAGE)
    keygen = program("ssh-keygen", comes_with=_PACKAGE)
    for name in ("host_key", "user_key"):
        subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    with ExitStack() as stack:
        account = stack.enter_context(_jailed_account() if os.geteuid() == 0 else _own_account(folder))
        listens_on = port or free_port()
        settings = folder / "sshd_config"
        settings.write_text(_settings(folder, account, f"{host}:{listens_on}"))
        command = [sshd, "-D", "-e", "-f", str(settings)]
        stack.enter_context(running(command, folder=folder, is_up=lambda: accepts(listens_on, host)))
        yield SftpServer(
            host=host,
            port=listens_on,
            username=account.name,
            password=account.password,
            user_key=folder / "user_key",
            host_key=" ".join((folder / "host_key.pub").read_text().split()[:2]),
            upload=account.root / "upload",
            upload_path=f"{account.seen_as}/upload",
            full=account.root / "full" if account.has_small_disk else None,
            full_path=f"{account.seen_as}/full",
            has_passwords=bool(account.password),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Account:
    name: str
    password: str
    root: Path
    seen_as: str
    has_small_disk: bool


@contextmanager
def _jailed_account() -> Iterator[_Account]:
    """Make a system account for as long as the block lasts, with a folder that sshd takes as a jail."""
    name, password = f"sftp-{secrets.token_hex(4)}", secrets.token_urlsafe(12)
    # sshd wants every folder on the way down to be root's and closed to others, which no temporary folder is
    root = Path(tempfile.mkdtemp(prefix="sftp-test-", dir="/var/lib"))
    root.chmod(0o755)
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    _run(["useradd", "--system", "--no-create-home", "--home-dir", "/upload", "--shell", "/usr/sbin/nologin", name])
    try:
        _run(["chpasswd"], text=f"{name}:{password}\n")
        small_disk = _mount_small_disk(root / "full")
        for folder in (root / "upload", root / "full"):
            folder.mkdir(exist_ok=True)
            shutil.chown(folder, name, name)
        try:
            yield _Account(name=name, password=password, root=root, seen_as="", has_small_disk=small_disk)
        finally:
            if small_disk:
                _run(["umount", "--lazy", str(root / "full")])
    finally:
        _run(["userdel", name])
        shutil.rmtree(root)


@contextmanager
def _own_account(folder: Path) -> Iterator[_Account]:
    root = folder / "files"
    (root / "upload").mkdir(parents=True)
    yield _Account(name=getpass.getuser(), password="", root=root, seen_as=str(root), has_small_disk=False)


def _mount_small_disk(folder: Path) -> bool:
    """Containers may forbid mounting; then there is none."""
    folder.mkdir()
    with suppress(ServerMissingError):
        _run(["mount", "-t", "tmpfs", "-o", _SMALL_DISK, "tmpfs", str(folder)])
        return True
    return False


def _settings(folder: Path, account: _Account, address: str) -> str:
    # sshd reads it with the rights of the account, which the folder of a test is closed to
    keys = account.root / "authorized_keys"
    keys.write_text((folder / "user_key.pub").read_text())
    lines = [
        f"ListenAddress {address}",
        f"HostKey {folder / 'host_key'}",
        f"PidFile {folder / 'sshd.pid'}",
        f"AuthorizedKeysFile {keys}",
        "StrictModes no",
        "UsePAM no",
        f"PasswordAuthentication {'yes' if account.password else 'no'}",
        "KbdInteractiveAuthentication no",
        f"AllowUsers {account.name}",
        "Subsystem sftp internal-sftp",
        "ForceCommand internal-sftp -u 0022",
        "AllowTcpForwarding no",
        "MaxSessions 50",
        "MaxStartups 100",
        "UseDNS no",
    ]
    if account.password:
        lines.append(f"ChrootDirectory {account.root}")
    return "\n".join(lines) + "\n"


def _run(command: list[str], *, text: str | None = None) -> None:
    found = program(command[0], comes_with="the Debian package passwd or mount")
    done = subprocess.run([found, *command[1:]], input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ServerMissingError(f"{command[0]} refused: {done.stderr.strip()}")
