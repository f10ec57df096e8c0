"""`migrate --set-default`: after the move, new uploads go where the old files are now."""

from typing import TYPE_CHECKING, Annotated

import typer

from storage_core.cli.session import Session
from storage_core.errors import ExitCode, SynapseStorageError
from storage_core.model.settings import MigrationSettings

if TYPE_CHECKING:
    from storage_core.wiring.migration import App

SetDefaultOption = Annotated[
    bool,
    typer.Option("--set-default", help="When all is migrated, let new uploads to ENTITY go to LOCATION_ID as well."),
]


def announce_default(session: Session, settings: MigrationSettings) -> None:
    """Say beforehand what agreeing to the plan will also change."""
    roots = ", ".join(settings.roots)
    session.say(f"When all is migrated, new uploads to {roots} will go to {settings.destination} (--set-default).")


def set_default_location(session: Session, app: "App", code: ExitCode) -> ExitCode:
    """Set it on every root that is a container, if everything was migrated; the exit code with that in mind.

    A folder below that has a setting of its own keeps it: `setting tree` shows them.
    """
    from storage_core.steps.attaching import make_default  # late: the network is slow to import
    from storage_core.wiring.storage import desk_on

    settings = app.ledger.settings
    if code is not ExitCode.DONE:
        session.say("Not all is migrated, so new uploads go where they went before; run the same command again.")
        return code
    desk = desk_on(app.remote)
    for root in settings.roots:
        try:
            if not desk.network.run(desk.storage.root(root)).header.kind.is_container:
                continue
            done = desk.network.run(make_default(root, settings.destination, desk.storage))
        except SynapseStorageError as error:
            session.say(f"All is migrated, but new uploads to {root} go where they went before: {error}")
            code = ExitCode.SOME_FAILED
        else:
            session.say(f"New uploads to {root} go to {settings.destination}: {done.change}.")
    return code
