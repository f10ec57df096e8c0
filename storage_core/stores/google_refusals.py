"""What Google's library raises, as our errors; and whose credentials it works with."""

from collections.abc import Iterator
from contextlib import contextmanager

import google.auth
import requests
from google.api_core.exceptions import GoogleAPICallError, RetryError
from google.auth.credentials import AnonymousCredentials, Credentials
from google.auth.exceptions import GoogleAuthError, TransportError
from google.cloud.storage.exceptions import DataCorruption, InvalidResponse

from storage_core.errors import AccessError, SynapseStorageError, TransferBroken, TransferFailed
from storage_core.synapse.redaction import redact, shorten

_SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
_AGAIN = "Run the same command again."
_GONE = frozenset({404, 410})
_REFUSED = frozenset({401, 403})
_BUSY = frozenset({408, 429})
_FIRST_FAULT = 500
_GOOD = frozenset({200, 201})


class GoogleRefusedError(Exception):
    """An answer to a piece of an upload that is not what was hoped for."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(said)
        self.status = status


def credentials_for(endpoint: str | None) -> Credentials:
    """The credentials every Google tool finds; none for an emulator.

    Raises:
        AccessError: there are none.
    """
    if endpoint is not None:
        return AnonymousCredentials()  # type: ignore[no-untyped-call]
    try:
        found, _ = google.auth.default(scopes=[_SCOPE])
    except GoogleAuthError as error:
        raise AccessError(
            f"There are no Google credentials: {shorten(str(error), most=160)}",
            fix="Run `gcloud auth application-default login`, or name a key file in GOOGLE_APPLICATION_CREDENTIALS;"
            " or remove use_google_credentials, and Synapse signs the addresses.",
        ) from error
    return found


def require_answer(status: int, said: str) -> None:
    """Raise `GoogleRefusedError` unless it was done."""
    if status not in _GOOD:
        raise GoogleRefusedError(status, said)


@contextmanager
def translated(bucket: str | None, key: str | None, doing: str) -> Iterator[None]:
    """Turn what the library raises into our errors; *doing* completes "could not"."""
    place = f"{key} in Google Cloud bucket {bucket}"
    try:
        yield
    except GoogleRefusedError as error:
        raise _refusal(error.status, place, doing, str(error)) from error
    except GoogleAPICallError as error:
        raise _refusal(int(error.code or 0), place, doing, str(error.message)) from error
    except InvalidResponse as error:
        raise _refusal(error.response.status_code, place, doing, str(error)) from error
    except (TransportError, RetryError, requests.RequestException, DataCorruption) as error:
        why = shorten(redact(str(error)), most=160)
        raise TransferBroken(f"{place}: the line broke, could not {doing} ({why}).", fix=_AGAIN) from error
    except GoogleAuthError as error:
        raise AccessError(
            f"Google does not accept the credentials: {shorten(redact(str(error)), most=160)}",
            fix="Run `gcloud auth application-default login` once more, or replace the key file.",
        ) from error


def _refusal(status: int, place: str, doing: str, said: str) -> SynapseStorageError:
    what = f"{place}: could not {doing} ({status}: {shorten(redact(said), most=160)})."
    if status in _GONE:
        return TransferFailed(f"There is no {place}.", fix="Check bucket and key, or ask the owner of the location.")
    if status in _REFUSED:
        return AccessError(what, fix="Ask the owner of the bucket for the right to do that with your Google account.")
    if status in _BUSY or status >= _FIRST_FAULT:
        return TransferBroken(what, fix=_AGAIN)
    return TransferFailed(what, fix="Run the same command again; report it when it comes back.")
