"""The server that PREFECT_API_URL names, for scripts that set something up there and must not do so elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import get_current_settings

from storage_core.errors import ServiceUnavailable, UsageError

_FIX = "Start the server, or correct PREFECT_API_URL; it looks like http://127.0.0.1:4200/api."


@contextmanager
def reached_server() -> Iterator[SyncPrefectClient]:
    """A client of the server.

    Raises:
        UsageError: no address is set. Prefect would start a server of its own, that ends with the script.
        ServiceUnavailable: nobody answers there, or it is no Prefect server, or one that refuses this client.
    """
    url = get_current_settings().api.url
    if not url:
        raise UsageError("PREFECT_API_URL is not set.", fix=f"Say which server it is about. {_FIX}")
    with get_client(sync_client=True) as client:
        try:
            client.raise_for_api_version_mismatch()
        # Prefect makes a RuntimeError of all but a refusal: no answer, one that makes no sense, or another release's
        except (PrefectHTTPStatusError, RuntimeError) as trouble:
            raise ServiceUnavailable(f"This is no Prefect server that can be used. {trouble}.", fix=_FIX) from trouble
        yield client
