"""verify-migration: read back everything that an index says was migrated. Changes nothing."""

from typing import Any

from prefect.states import Completed, Failed

from flows.credentials import configuration
from flows.events import tell_verified
from flows.forms import flow_with_form
from flows.parameters import Credentials, IndexPath, index_path_from
from storage_core.errors import ExitCode
from tasks.reading_back import read_everything_back
from tasks.visibility import show_differences


@flow_with_form("verify-migration")
def verify_migration(*, index_path: IndexPath, credentials: Credentials = "") -> Any:
    """Read every migrated place back: right handle, right location, right size and MD5?"""
    path = index_path_from(index_path)
    found = read_everything_back(path, lambda: configuration(credentials))
    show_differences(found)
    tell_verified(path.stem, found)
    if found.exit_code is ExitCode.DONE:
        return Completed(message=f"all {found.looked_at:,} migrated places were read back as migrated")
    return Failed(
        message=f"ended with exit code {int(found.exit_code)}: {len(found.differences):,} of {found.looked_at:,} "
        "places differ or could not be read; see the artifact"
    )
