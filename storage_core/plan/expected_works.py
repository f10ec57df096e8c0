"""How much each phase of a migration will have to do, as its plan says. Pure."""

from collections.abc import Mapping

from storage_core.model.plans import WorkAhead


def works_by_phase(ahead: WorkAhead) -> Mapping[str, int]:
    """Works by the name of the phase that does them."""
    return {
        "copy-files": ahead.copies - ahead.large_copies,
        "copy-large-files": ahead.large_copies,
        "prove-copies": ahead.copies,
        "snapshot-tables": ahead.snapshots,
        "repoint-versions": ahead.repoints - ahead.cells,
        "repoint-cells": ahead.cells,
        "verify": ahead.verifications,
    }
