"""A project for somebody else to migrate: versions, annotations, provenance, a shared handle, and a new home for it."""

from judging import answer, md5_of, sign_in, written
from synapseclient.models import Activity, File, Folder, Project, StorageLocation, StorageLocationType, UsedURL

MIB = 2**20

sign_in()
project = Project(name="To be moved").store()
folder = Folder(name="below", parent_id=project.id).store()
versions = []


def keep(file: File, path: str) -> None:
    versions.append({"id": file.id, "number": file.version_number, "md5": md5_of(path)})


for seed, size in [(1, 700), (2, 12 * MIB + 1), (3, 40)]:
    path = written("grown.bin", size, seed=seed)
    file = File(path=path, parent_id=folder.id, version_comment=f"round {seed}")
    file.annotations = {"round": [seed]}
    file.activity = Activity(name=f"made {seed}", used=[UsedURL(name="how", url="https://example.org/how")])
    keep(file.store(), path)

path = written("plain.bin", 1500, seed=4)
plain = File(path=path, parent_id=project.id, description="äöü ✓").store()
keep(plain, path)
keep(File(name="shared.bin", data_file_handle_id=plain.data_file_handle_id, parent_id=folder.id).store(), path)

home = StorageLocation(storage_type=StorageLocationType.SYNAPSE_S3, description="new home").store()
answer({"project": project.id, "destination": home.storage_location_id, "versions": versions})
