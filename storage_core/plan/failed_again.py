"""Which failed items go back to work."""

from enum import StrEnum

from storage_core.model.items import ReasonClass


class RetryClass(StrEnum):
    """The classes of reasons as they are typed."""

    RETRYABLE = "retryable"
    NEEDS_A_PERSON = "needs-a-person"
    NEVER_WORKS = "never-works"
    ALL = "all"


def classes_of(choice: RetryClass) -> frozenset[ReasonClass]:
    """The classes behind a choice."""
    if choice is RetryClass.ALL:
        return frozenset(ReasonClass)
    return frozenset({ReasonClass(choice.value.replace("-", " "))})
