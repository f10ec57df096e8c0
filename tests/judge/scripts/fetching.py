"""Brings down every version it is asked for, with a cold cache, and says what it saw."""

from judging import PLACE, WISHES, answer, md5_of, sign_in
from synapseclient.models import File

sign_in(cache=f"cache-{WISHES['round']}")
seen = []
for version in WISHES["versions"]:
    target = PLACE / f"{WISHES['round']}-{version['id']}-{version['number']}"
    file = File(id=version["id"], version_number=version["number"], path=str(target)).get(include_activity=True)
    seen.append(
        {
            "md5": md5_of(file.path),
            "location": file.file_handle.storage_location_id,
            "told": {
                "name": file.name,
                "number": file.version_number,
                "label": file.version_label,
                "comment": file.version_comment,
                "description": file.description,
                "annotations": {key: list(value) for key, value in (file.annotations or {}).items()},
                "activity": file.activity.name if file.activity else None,
                "parent": file.parent_id,
                "created": file.created_on,
                "file_name": file.file_handle.file_name,
            },
        }
    )
answer(seen)
