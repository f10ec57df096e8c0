"""A real PostgreSQL of our own: new, on a free port, run by a user without rights."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.server.processes import CannotRunError, free_port

_PLACES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
_PASSWORD = "only-for-this-test"  # a database on the loopback address that ends with the test


def program(name: str) -> str:
    """Where a program of PostgreSQL is; Debian keeps them out of PATH."""
    path = os.pathsep.join([os.environ.get("PATH", ""), *(str(place) for place in _PLACES)])
    found = shutil.which(name, path=path)
    if found is None:
        raise CannotRunError(f"there is no {name} here: install PostgreSQL (Debian: apt-get install postgresql)")
    return found


@contextmanager
def running_postgres(folder: Path) -> Iterator[str]:
    """Start a server in *folder* and make a database; gives the address as Prefect wants it."""
    cluster = _Cluster(folder)
    cluster.create()
    try:
        cluster.run("pg_ctl", "-D", str(cluster.data), "-l", str(folder / "postgres.log"), "-w", "-t", "60", "start")
        cluster.run("createdb", "-h", "127.0.0.1", "-p", str(cluster.port), "-U", "prefect", "prefect")
        yield f"postgresql+asyncpg://prefect:{_PASSWORD}@127.0.0.1:{cluster.port}/prefect"
    finally:
        cluster.run("pg_ctl", "-D", str(cluster.data), "-m", "immediate", "-w", "stop", may_fail=True)


class _Cluster:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.port = free_port()

    def create(self) -> None:
        if self._is_root():
            # the server refuses to run as root; the user needs a way down to the folder
            user = self._plain_user()
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            for parent in self.folder.parents[:-2]:
                parent.chmod(parent.stat().st_mode | 0o111)
        password = self.folder / "password"
        password.write_text(_PASSWORD)
        password.chmod(0o644)
        self.run("initdb", "-D", str(self.data), "-U", "prefect", f"--pwfile={password}", "-A", "scram-sha-256",
                 "-E", "UTF8", "--no-locale", "--no-sync")  # fmt: skip
        with (self.data / "postgresql.conf").open("a") as settings:
            settings.write(
                f"listen_addresses = '127.0.0.1'\nport = {self.port}\nunix_socket_directories = ''\n"
                "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\nmax_connections = 200\n"
            )

    def run(self, name: str, *words: str, may_fail: bool = False) -> None:
        done = subprocess.run(
            [*self._as_plain_user(), program(name), *words],
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder), "LC_ALL": "C.UTF-8", "PGPASSWORD": _PASSWORD},
            cwd=self.folder,
            capture_output=name != "pg_ctl",  # the server would keep our pipe open
            stdin=subprocess.DEVNULL,
            text=True,
            check=False,
            timeout=120,
        )
        if done.returncode and not may_fail:
            raise CannotRunError(f"{name} failed: {done.stdout}{done.stderr}")

    def _as_plain_user(self) -> Sequence[str]:
        if not self._is_root():
            return ()
        user = self._plain_user()
        return ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups")

    @staticmethod
    def _is_root() -> bool:
        return os.geteuid() == 0

    @staticmethod
    def _plain_user() -> pwd.struct_passwd:
        for name in ("postgres", "nobody"):
            try:
                return pwd.getpwnam(name)
            except KeyError:
                continue
        raise CannotRunError("PostgreSQL does not run as root, and there is no user postgres or nobody")
