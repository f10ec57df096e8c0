"""Adding a type touches one file and one line."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

NEW_FILE = '''
"""A tape robot."""

from dataclasses import dataclass
from typing import ClassVar

from storage_core.locations.attributes import Attribute, attribute
from storage_core.locations.location import PREFIX, Location
from storage_core.model.destinations import UploadType


@dataclass(frozen=True, slots=True, kw_only=True)
class Tape(Location):
    """Bytes on a reel."""

    CONCRETE_TYPE: ClassVar[str] = f"{PREFIX}TapeStorageLocationSetting"
    UPLOAD_TYPES: ClassVar[tuple[UploadType, ...]] = (UploadType.NONE,)
    PURPOSE: ClassVar[str] = "a tape robot"

    reel: str | None = attribute(Attribute(wire="reelName", is_required=True))
'''
USE = """
import json
from storage_core.api import StorageLocation, StorageLocationType
from storage_core.locations import build_location, location_from_json, location_to_json, type_name_of, type_named

sent = location_to_json(build_location(type_named("tape"), {"reel": "R7"}))
shown = StorageLocation().fill_from_dict({**json.loads(sent), "storageLocationId": 9})
print(json.dumps([json.loads(sent), type_name_of(location_from_json(sent)), shown.storage_type.name,
                  shown.more_attributes, [str(one) for one in StorageLocationType]]))
"""


def test_a_new_type_is_one_file_and_one_line(repository: Path, tmp_path: Path) -> None:
    """In a copy of the package: built, checked, written, read and offered, with nothing else touched."""
    package = shutil.copytree(
        repository / "storage_core", tmp_path / "storage_core", ignore=shutil.ignore_patterns("__pycache__")
    )
    registry = package / "locations" / "__init__.py"
    lines = registry.read_text().splitlines(keepends=True)
    last = next(number for number, line in enumerate(lines) if line.strip() == "PROXY = Proxy")
    lines.insert(last + 1, '    TAPE = __import__("storage_core.locations.tape", fromlist=["Tape"]).Tape\n')
    registry.write_text("".join(lines))
    (package / "locations" / "tape.py").write_text(NEW_FILE)

    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", USE], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )

    assert (0, "") == (done.returncode, done.stderr)
    sent, name, shown, more, types = json.loads(done.stdout)
    concrete_type = "org.sagebionetworks.repo.model.project.TapeStorageLocationSetting"
    assert {"concreteType": concrete_type, "uploadType": "NONE", "reelName": "R7"} == sent
    assert ("TAPE", "TAPE", {"reel": "R7"}) == (name, shown, more)
    assert "TAPE" in types
    shown_types = subprocess.run(
        [sys.executable, "-c", "from storage_core.cli.main import main; main()", "location", "types"],
        cwd=tmp_path,
        env={**environment, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    assert "a tape robot" in shown_types
