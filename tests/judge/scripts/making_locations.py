"""Storage locations of every type and a setting, made with the client's own models."""

from judging import WISHES, answer, sign_in
from synapseclient.models import Folder, Project, StorageLocation, StorageLocationType

sign_in()
project = Project(name="Made by the client").store()
made = {
    name: StorageLocation(storage_type=getattr(StorageLocationType, name), **wanted).store().storage_location_id
    for name, wanted in WISHES["locations"].items()
}
folder = Folder(name="attached", parent_id=project.id).store()
setting = folder.set_storage_location(storage_location_id=[made["EXTERNAL_HTTPS"], made["EXTERNAL_SFTP"]])
answer({"project": project.id, "folder": folder.id, "locations": made, "setting": setting.locations})
