"""Storage locations and the settings that point to them, through the models and the older calls."""

from judging import answer, md5_of, sign_in, written
from synapseclient.core.exceptions import SynapseHTTPError
from synapseclient.models import File, Folder, Project, ProjectSetting, StorageLocation, StorageLocationType

client = sign_in()
project = Project(name="Judged locations").store()
before = project.get_project_setting()

location = StorageLocation(storage_type=StorageLocationType.SYNAPSE_S3, description="ours").store()
read = StorageLocation(storage_location_id=location.storage_location_id).get()
folder = Folder(name="attached", parent_id=project.id).store()
folder.set_storage_location(storage_location_id=location.storage_location_id)
setting = ProjectSetting(project_id=folder.id).get()

old_folder, old_location, old_setting = client.create_s3_storage_location(parent=project.id, folder_name="older")
found = client.getMyStorageLocationSetting(old_location["storageLocationId"])

path = written("in-location.bin", 3000, seed=7)
stored = File(path=path, parent_id=folder.id).store()
sign_in(cache="cold")
down = File(id=stored.id, path=str(folder.id)).get()

folder.delete_project_setting(setting_id=setting.id)
try:
    after = ProjectSetting(project_id=folder.id).get()
    gone = after is None or after.id != setting.id
except SynapseHTTPError:
    gone = True
answer(
    {
        "before": before is None,
        "same_location": read.storage_location_id == location.storage_location_id,
        "description": read.description,
        "type": read.storage_type.name,
        "locations": setting.locations == [location.storage_location_id],
        "older": [old_setting["locations"], [found["storageLocationId"]]],
        "handle_location": down.file_handle.storage_location_id == location.storage_location_id,
        "md5": [md5_of(path), md5_of(down.path)],
        "setting_gone": gone,
    }
)
