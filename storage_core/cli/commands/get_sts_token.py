"""`synapse-storage get-sts-token`: temporary AWS credentials for a folder."""

import sys
from typing import Annotated

import typer

from storage_core.cli.session import session_of
from storage_core.errors import ExitCode
from storage_core.model.credentials import StsPermission, TokenFormat
from storage_core.model.ids import parse_entity_id


def get_sts_token(
    ctx: typer.Context,
    entity: Annotated[
        str,
        typer.Argument(metavar="ENTITY", help="In a folder with an STS-enabled location: syn123.", show_default=False),
    ],
    permission: Annotated[StsPermission, typer.Argument(help="What they allow.", show_default=False)],
    output: Annotated[
        TokenFormat, typer.Option("--output", "-o", help="shell: the one you are in, as far as can be told.")
    ] = TokenFormat.SHELL,
) -> ExitCode:
    """Print temporary AWS credentials, as commands for a shell or as JSON, and nothing else.

    Use it as: eval "$(synapse-storage get-sts-token syn123 read_write)"
    """
    from storage_core.config import this_shell  # late: the network is slow to import
    from storage_core.plan.credentials import credentials_text
    from storage_core.wiring.storage import storage_desk

    session = session_of(ctx)
    entity_id = parse_entity_id(entity)
    form = TokenFormat.JSON if session.as_json else output
    if form is TokenFormat.SHELL:
        form = this_shell()
    with storage_desk(session.load_config()) as desk:
        token = desk.token(entity_id, permission)
    sys.stdout.write(credentials_text(token, form))
    sys.stdout.flush()
    return ExitCode.DONE
