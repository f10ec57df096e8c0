"""Storage locations, a setting and credentials that somebody else made, as the client's own models see them."""

from judging import WISHES, answer, sign_in
from synapseclient.models import Folder, StorageLocation

client = sign_in()
NAMES = [
    "bucket", "base_key", "sts_enabled", "endpoint_url", "url", "supports_subfolders", "proxy_url", "secret_key",
    "benefactor_id", "banner", "description",
]  # fmt: skip


def seen(location_id: int) -> dict[str, object]:
    location = StorageLocation(storage_location_id=location_id).get()
    values = {name: getattr(location, name) for name in NAMES}
    return {**values, "type": location.storage_type.name, "upload_type": location.upload_type.value}


folder = Folder(id=WISHES["folder"])
setting = folder.get_project_setting()
token = Folder(id=WISHES["sts_folder"]).get_sts_storage_token(permission="read_write", output_format="json")
answer(
    {
        "locations": {name: seen(location_id) for name, location_id in WISHES["locations"].items()},
        "older": client.getMyStorageLocationSetting(WISHES["locations"]["EXTERNAL_S3"])["bucket"],
        "setting": [setting.id, setting.etag, setting.locations, setting.project_id],
        "token": [token["bucket"], token["baseKey"]],
    }
)
