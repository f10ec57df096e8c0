"""How a flow run that cannot do what was asked says so: Failed, with the one sentence that tells what to do."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any, Final, TypeVar

from prefect.context import FlowRunContext
from prefect.exceptions import FailedRun
from prefect.states import Failed

from storage_core.errors import Interrupted, SynapseStorageError

R = TypeVar("R")

_PREFECTS_LOG: Final = "prefect.flow_runs"
_TOLD_AGAIN: Final = "Engine execution exited with unexpected exception"


def told_in_words(function: Callable[..., R]) -> Callable[..., R]:
    """The same function, whose errors of ours end a flow run as Failed with their own words.

    An exception that leaves a flow is logged with the whole way it came, which tells nobody what to correct.
    """

    @wraps(function)
    def called(*first: Any, **values: Any) -> Any:
        # not at import: Prefect configures its loggers when a run is set up
        logging.getLogger(_PREFECTS_LOG).addFilter(_ONCE)
        try:
            return function(*first, **values)
        except Interrupted:
            raise
        except SynapseStorageError as trouble:
            if FlowRunContext.get() is None:
                raise
            return Failed(message=str(trouble), data=trouble)

    return called


class _Once(logging.Filter):
    """Keeps out what a worker's engine logs of each run that ended as Failed: the way through Prefect's own code.

    The state, with its message, was logged before. Errors that are nobody's plan are not kept out.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        return record.msg != _TOLD_AGAIN or not isinstance(error, (SynapseStorageError, FailedRun))


_ONCE: Final = _Once()
