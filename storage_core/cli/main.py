"""The program `synapse-storage`."""

from pathlib import Path
from typing import Annotated

import typer

from storage_core.cli.commands.demo import demo
from storage_core.cli.commands.doctor import doctor
from storage_core.cli.commands.download import download
from storage_core.cli.commands.export import export
from storage_core.cli.commands.get_sts_token import get_sts_token
from storage_core.cli.commands.holders import holders
from storage_core.cli.commands.import_index import import_index
from storage_core.cli.commands.index import index
from storage_core.cli.commands.limits import limits
from storage_core.cli.commands.location import location
from storage_core.cli.commands.migrate import migrate
from storage_core.cli.commands.plan import plan
from storage_core.cli.commands.register import register
from storage_core.cli.commands.report import report
from storage_core.cli.commands.retry import retry
from storage_core.cli.commands.rollback import rollback
from storage_core.cli.commands.sandbox import sandbox
from storage_core.cli.commands.setting import setting
from storage_core.cli.commands.status import status
from storage_core.cli.commands.unprotect import unprotect
from storage_core.cli.commands.upload import upload
from storage_core.cli.commands.verify import verify
from storage_core.cli.commands.verify_log import verify_log
from storage_core.cli.commands.why import why
from storage_core.cli.group import ARGUMENTS, Commands
from storage_core.cli.session import PROGRAM, Session, version_text

EPILOG = (
    "Exit codes: 0 done and verified; 1 finished, some items failed, drifted or unproven; 2 usage; 3 authentication or"
    " permission; 4 verification mismatch; 5 failure threshold reached; 6 paused, awaiting confirmation or declined;"
    " 7 index in use by another process; 8 service unavailable; 130 interrupted (resumable)."
)

app = typer.Typer(
    name=PROGRAM,
    cls=Commands,
    help="Move where the bytes of a Synapse project live: indexed, planned, confirmed, proven, read back.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # its boxes cut long option names
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:  # noqa: FBT001 - typer's callback
    if wanted:
        typer.echo(f"{PROGRAM} {version_text()}")
        raise typer.Exit


@app.callback()
def _global_options(
    ctx: typer.Context,
    profile: Annotated[
        str | None, typer.Option("--profile", help="Profile in the configuration file.", show_default=False)
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", help="Configuration file.", show_default="~/.synapseConfig")
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", "--verbose", help="Show tracebacks.")] = False,  # noqa: FBT002 - a flag
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress, no remarks.")] = False,  # noqa: FBT002 - a flag
    as_json: Annotated[bool, typer.Option("--json", help="The result as one JSON document.")] = False,  # noqa: FBT002 - a flag
    version: Annotated[  # noqa: ARG001, FBT002 - a flag; its callback has answered
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Global options may stand before or after the command."""
    ctx.obj = Session(
        profile=profile,
        config_path=config,
        debug=debug,
        quiet=quiet,
        as_json=as_json,
        arguments=ctx.meta.get(ARGUMENTS, ()),
    )


for command in (
    index,
    import_index,
    migrate,
    plan,
    status,
    limits,
    why,
    holders,
    verify,
    verify_log,
    rollback,
    unprotect,
    retry,
    export,
    report,
    doctor,
    sandbox,
    demo,
):
    app.command(command.__name__.replace("_", "-"))(command)
app.command("get-sts-token")(get_sts_token)
app.command("upload")(upload)
app.command("download")(download)
app.command("register")(register)
app.add_typer(location, name="location")
app.add_typer(setting, name="setting")


def main() -> None:
    """Run the program; ends the process with a documented exit code."""
    app(prog_name=PROGRAM)
