"""Implements `ports.transfers.Tickets` in a folder of this machine: one small file per upload that is under way."""

import hashlib
import json
import os
import secrets
from dataclasses import asdict
from pathlib import Path

from storage_core.model.destinations import LocationKind, UploadType
from storage_core.model.ids import EntityId, StorageLocationId
from storage_core.model.transfers import Ticket, UploadDestination, UploadPurpose

_FORMAT = 1


class TicketFolder:
    """Tickets of one Synapse. What cannot be read any more is a new upload."""

    def __init__(self, folder: Path, *, synapse: str) -> None:
        """Keep them in *folder*, made when it is needed; *synapse* keeps apart those of several services."""
        self._folder = folder
        self._synapse = synapse

    def ticket(self, purpose: UploadPurpose, destination: UploadDestination) -> Ticket:
        """The ticket of an earlier, unsettled try; otherwise a new one for *destination*, remembered already."""
        path = self._path(purpose)
        known = _read(path)
        if known is not None:
            return known
        fresh = Ticket(text=secrets.token_hex(16), destination=destination)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = path.with_suffix(f".{os.getpid()}.new")
        beside.write_text(json.dumps({"format": _FORMAT} | asdict(fresh)))
        beside.replace(path)
        return fresh

    def settled(self, purpose: UploadPurpose) -> None:
        """Forget it."""
        self._path(purpose).unlink(missing_ok=True)

    def _path(self, purpose: UploadPurpose) -> Path:
        identity = json.dumps([self._synapse, asdict(purpose)], sort_keys=True)
        return self._folder / f"{hashlib.sha256(identity.encode()).hexdigest()[:40]}.json"


def _read(path: Path) -> Ticket | None:
    try:
        found = json.loads(path.read_text())
        if found.get("format") != _FORMAT:
            return None
        to = found["destination"]
        destination = UploadDestination(
            **{
                **to,
                "entity_id": EntityId(to["entity_id"]),
                "location_id": StorageLocationId(to["location_id"]),
                "kind": LocationKind(to["kind"]),
                "upload_type": UploadType(to["upload_type"]),
            }
        )
        return Ticket(text=str(found["text"]), destination=destination)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        # half written by a killed process of an older kind: what it stood for is begun anew
        return None
