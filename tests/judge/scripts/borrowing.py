"""An external bucket behind an STS folder: the client declares it and asks for credentials."""

from judging import WISHES, answer, sign_in
from synapseclient.models import Folder, Project, StorageLocation, StorageLocationType

client = sign_in()
project = Project(name="Judged credentials").store()
location = StorageLocation(
    storage_type=StorageLocationType.EXTERNAL_S3, bucket=WISHES["bucket"], base_key=WISHES["base_key"], sts_enabled=True
).store()
folder = Folder(name="direct", parent_id=project.id).store()
folder.set_storage_location(storage_location_id=location.storage_location_id)
token = folder.get_sts_storage_token(permission="read_write", output_format="json")
shell = client.get_sts_storage_token(folder.id, "read_only", output_format="bash")
answer({"token": token, "shell": shell.splitlines()[0]})
