"""What many transfers come to together. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from storage_core.errors import ExitCode
from storage_core.model.transfers import Downloaded, Uploaded
from storage_core.model.trees import TransferFailure

Outcome = Uploaded | Downloaded | TransferFailure


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultCount:
    """How many files came to one result, and their bytes."""

    result: str
    files: int
    size_bytes: int


def transfer_exit_code(failures: Sequence[TransferFailure]) -> ExitCode:
    """4 when bytes were not what they should be, else 1 when anything failed."""
    if any(one.error.exit_code is ExitCode.MISMATCH for one in failures):
        return ExitCode.MISMATCH
    return ExitCode.SOME_FAILED if failures else ExitCode.DONE


def count_results(outcomes: Sequence[Outcome]) -> tuple[ResultCount, ...]:
    """The outcomes by result, in the order of their names; failures are FAILED and have no bytes."""
    files: dict[str, int] = {}
    sizes: dict[str, int] = {}
    for one in outcomes:
        result = "FAILED" if isinstance(one, TransferFailure) else str(one.result)
        files[result] = files.get(result, 0) + 1
        sizes[result] = sizes.get(result, 0) + (0 if isinstance(one, TransferFailure) else one.size_bytes)
    return tuple(ResultCount(result=name, files=files[name], size_bytes=sizes[name]) for name in sorted(files))
