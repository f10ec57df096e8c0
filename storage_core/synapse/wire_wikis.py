"""Wiki pages and their attachments: JSON and records."""

from storage_core.model.handles import FileHandle
from storage_core.synapse.calls import Answer
from storage_core.synapse.wire_fields import Fields
from storage_core.synapse.wire_handles import read_handle


def read_page_ids(answer: Answer) -> tuple[str, ...]:
    """Read a page of the tree of headers."""
    return tuple(header.id("id") for header in Fields.of(answer).inners("results"))


def read_attachments(answer: Answer) -> tuple[FileHandle, ...]:
    """Read the handles of one page; a page without attachments has no list."""
    return tuple(read_handle(entry) for entry in Fields.of(answer).inners("list"))
