"""The program's first lines: Ctrl-C while it is still being loaded is an interruption like any other."""

import sys

_INTERRUPTED = 130  # as `errors.ExitCode.INTERRUPTED`, which may not be loaded yet


def main() -> None:
    """Load the program and run it; ends the process with a documented exit code."""
    try:
        from storage_core.cli.main import main as run  # late: loading it is what takes the first second
    except KeyboardInterrupt:
        sys.stderr.write("Error: Stopped before anything was begun. Run the same command again.\n")
        sys.exit(_INTERRUPTED)
    run()
