"""`synapse-storage doctor`: what would fail, before it does."""

import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Annotated

import typer

from storage_core.cli.session import Session, session_of, version_text
from storage_core.errors import ExitCode, SynapseStorageError
from storage_core.model.ids import parse_entity_id, parse_storage_location_id
from storage_core.reports.wording import plain_text

if TYPE_CHECKING:
    from rich.table import Table

    from storage_core.wiring.migration import Remote


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was checked; `error` is None when it is well."""

    name: str
    told: str
    error: SynapseStorageError | None = None


def doctor(
    ctx: typer.Context,
    entity: Annotated[str | None, typer.Option("--entity", help="Also: may I read and change it?")] = None,
    location_id: Annotated[str | None, typer.Option("--location", help="Also: may it be a destination?")] = None,
) -> ExitCode:
    """Check versions, configuration, token and reachability; the first thing that fails decides the exit code."""
    session = session_of(ctx)
    findings = [Finding(name="versions", told=_versions()), *_checks(session, entity, location_id)]
    failed = [finding.error for finding in findings if finding.error is not None]
    code = failed[0].exit_code if failed else ExitCode.DONE
    session.show(_table(findings))
    session.document(
        {
            "checks": [
                {
                    "name": finding.name,
                    "is_good": finding.error is None,
                    "told": finding.told,
                    "fix": finding.error.fix if finding.error else None,
                }
                for finding in findings
            ],
            "exit_code": int(code),
        }
    )
    return code


def _checks(session: Session, entity: str | None, location_id: str | None) -> Iterator[Finding]:
    try:
        config = session.load_config()
    except SynapseStorageError as error:
        yield _failed("configuration", error)
        return
    yield Finding(name="configuration", told=f"{config.repo_endpoint}, profile {config.profile or 'default'}")
    from storage_core.wiring.migration import connected  # late: the network is slow to import

    with connected(config) as remote:
        yield _tried("token", lambda: f"accepted; you are {remote.network.run(remote.catalog.me()).user_name}")
        if entity is not None:
            yield _tried("entity", lambda: _entity(remote, entity))
        if location_id is not None:
            yield _tried("location", lambda: _location(remote, location_id))


def _tried(name: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(name=name, told=look())
    except SynapseStorageError as error:
        return _failed(name, error)


def _failed(name: str, error: SynapseStorageError) -> Finding:
    return Finding(name=name, told=error.what, error=error)


def _entity(remote: "Remote", entity: str) -> str:
    root = remote.network.run(remote.catalog.root(parse_entity_id(entity)))
    held = root.permissions
    rights = {"view": held.can_view, "download": held.can_download, "edit": held.can_edit}
    return f"{root.header.id} ({root.header.name}): you may {', '.join(right for right in rights if rights[right])}"


def _location(remote: "Remote", location_id: str) -> str:
    facts = remote.network.run(remote.catalog.location(parse_storage_location_id(location_id)))
    sts = "; STS-enabled, so no destination" if facts.sts_enabled else ""
    return f"{facts.id} is yours, {facts.kind}, bucket {facts.bucket or 'of Synapse'}{sts}"


def _versions() -> str:
    parts = [f"{name} {version(name)}" for name in ("duckdb", "httpx")]
    return ", ".join([f"synapse-storage {version_text()}", *parts, f"Python {platform.python_version()}"])


def _table(findings: list[Finding]) -> "Table":
    from rich.table import Table  # late: keeps --help fast
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=False)
    for finding in findings:
        table.add_row(
            Text("ok", style="green") if finding.error is None else Text("fails", style="red"),
            finding.name,
            Text(plain_text(finding.told if finding.error is None else str(finding.error))),
        )
    return table
