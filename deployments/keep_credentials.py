"""Keep the credentials that this machine's environment and ~/.synapseConfig hold as Prefect blocks.

    python deployments/keep_credentials.py NAME

Flows use them when their parameter ``credentials`` is NAME. Needs PREFECT_API_URL.
"""

import sys
from collections.abc import Sequence

from flows.credentials import keep
from flows.reaching import reached_server
from storage_core.errors import ExitCode, SynapseStorageError


def main(words: Sequence[str]) -> int:
    """Save, and say what; the exit code."""
    if len(words) != 1 or words[0].startswith("-"):
        print("usage: python deployments/keep_credentials.py NAME", file=sys.stderr)
        return ExitCode.USAGE
    try:
        with reached_server():
            saved = keep(words[0])
    except SynapseStorageError as trouble:
        print(trouble, file=sys.stderr)
        return trouble.exit_code
    print(f"Saved as {words[0]}: {', '.join(saved)}.")
    return ExitCode.DONE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
