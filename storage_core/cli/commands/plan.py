"""`synapse-storage plan`: what is still to be done, and what it will cost."""

import typer

from storage_core.cli.arguments import AwsProfile, EngineWish, IndexArgument
from storage_core.cli.documents import plan_document
from storage_core.cli.running import NOTHING_TO_DO, running
from storage_core.cli.session import session_of
from storage_core.errors import ExitCode
from storage_core.model.settings import EngineOption, RunOptions
from storage_core.reports.terminal import plan_view


def plan(
    ctx: typer.Context,
    index: IndexArgument,
    engine: EngineWish = EngineOption.AUTO,
    aws_profile: AwsProfile = None,
) -> ExitCode:
    """Say what migrating INDEX would still do: items, bytes, calls, time, findings. Changes nothing."""
    session = session_of(ctx)
    options = RunOptions(engine=engine, aws_profile=aws_profile)
    with running(session, index, None, options) as app:
        is_indexed = app.ledger.is_indexed()
        made = app.migration.plan()
    session.show(plan_view(made))
    session.document({**plan_document(made), "is_indexed": is_indexed})
    if not is_indexed:
        session.say("The index is not complete; the plan will grow. Run `synapse-storage index` again to complete it.")
    elif made.is_empty:
        session.say(NOTHING_TO_DO)
    return ExitCode.DONE
