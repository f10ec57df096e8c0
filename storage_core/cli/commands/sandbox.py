"""`synapse-storage sandbox`: a local Synapse and S3 to try anything on."""

from typing import Annotated

import typer

from storage_core.cli.sandboxing import optional_part
from storage_core.errors import ExitCode, UsageError


def sandbox(
    port: Annotated[int, typer.Option("--port", help="Port of the Synapse half; 0 for a free one.")] = 8080,
    scenario: Annotated[
        str | None, typer.Option("--scenario", help="What to fill it with; empty by default.", show_default=False)
    ] = None,
) -> ExitCode:
    """Run a sandbox in the foreground; prints the exports that point this program at it. Stop it with Ctrl-C."""
    arguments = ["--port", str(port), *(["--scenario", scenario] if scenario else [])]
    with optional_part():
        from sandbox.__main__ import main as serve  # late: an optional part
        from sandbox.scenarios import SCENARIOS

    if scenario is not None and scenario not in SCENARIOS:
        raise UsageError(f"There is no scenario {scenario!r}.", fix=f"Choose one of: {', '.join(SCENARIOS)}.")
    try:
        return ExitCode(serve(arguments))
    except OSError as error:
        raise UsageError(
            f"Port {port} cannot be used: {error.strerror}.", fix="Give another one with --port, or 0 for a free one."
        ) from error
