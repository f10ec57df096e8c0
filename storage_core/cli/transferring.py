"""What upload and download have in common on the command line: opening, telling, exit codes."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from storage_core.cli.session import Session
from storage_core.cli.transfer_progress import watching_transfers
from storage_core.errors import ExitCode
from storage_core.model.transfers import Uploaded
from storage_core.model.trees import TransferFailure
from storage_core.plan.transfer_outcomes import Outcome, transfer_exit_code
from storage_core.reports.wording import counted, size_text

if TYPE_CHECKING:
    from storage_core.wiring.transfers import TransferDesk

T = TypeVar("T")

StsOption = Annotated[
    bool | None,
    typer.Option(
        "--use-boto-sts/--no-boto-sts",
        help="Straight to the bucket with temporary AWS keys, where the location gives them.",
        show_default="as use_boto_sts in the configuration file says",
    ),
]


def transfer(
    session: Session,
    work: "Callable[[TransferDesk], Awaitable[T]]",
    *,
    use_boto_sts: bool | None,
    is_dry: bool = False,
) -> T:
    """Do *work* on an open connection, with progress on standard error.

    Raises:
        Whatever *work* raises, and AccessError or UsageError for the configuration.
    """
    from storage_core.wiring.storage import storage_desk  # late: the network is slow to import
    from storage_core.wiring.transfers import transfer_desk, wishes_of

    config = session.load_config()
    wishes = wishes_of(config) if use_boto_sts is None else replace(wishes_of(config), use_boto_sts=use_boto_sts)
    with watching_transfers(session) as watch, storage_desk(config) as desk:

        async def opened() -> T:
            async with transfer_desk(config, desk, watch=watch, wishes=wishes, is_dry=is_dry) as transfers:
                return await work(transfers)

        return desk.network.run(opened())


def told(session: Session, outcomes: Sequence[Outcome], *, is_dry: bool = False, **more: Any) -> ExitCode:
    """Print what became of each file; failures with their sentence on standard error. The exit code they come to."""
    failures = [one for one in outcomes if isinstance(one, TransferFailure)]
    for one in outcomes:
        if isinstance(one, TransferFailure):
            session.say_failure(f"Failed: {one.what}: {one.error}")
        else:
            session.print_line(f"{one.result}  {one.entity_id}.{one.version}  {one.path}")
    more = {"dry_run": True, **more} if is_dry else more
    session.document({"files": [_document(one) for one in outcomes], "failed": len(failures), **more})
    done = len(outcomes) - len(failures)
    size = sum(one.size_bytes for one in outcomes if not isinstance(one, TransferFailure))
    session.say(f"{counted(done, 'file')}, {size_text(size)}; {len(failures)} failed.")
    if is_dry:
        session.say("This was a dry run: nothing was sent or written.")
    return transfer_exit_code(failures)


def _document(one: Outcome) -> dict[str, Any]:
    if isinstance(one, TransferFailure):
        return {
            "result": "FAILED",
            "path": one.what,
            "id": one.entity_id,
            "error": {"what": one.error.what, "fix": one.error.fix},
        }
    document = {
        "result": str(one.result),
        "path": one.path,
        "id": one.entity_id,
        "name": one.name,
        "version": one.version,
        "file_handle_id": one.handle_id,
        "size_bytes": one.size_bytes,
        "md5": one.md5,
    }
    if isinstance(one, Uploaded):
        return document | {"storage_location_id": int(one.location_id)}
    return document | {"is_verified": one.is_verified}
