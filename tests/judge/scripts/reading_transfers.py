"""Reads files that somebody else uploaded, and uploads one for them."""

from judging import PLACE, WISHES, answer, md5_of, sign_in, written
from synapseclient.models import File

sign_in()
seen = []
for entity_id in WISHES["ids"]:
    file = File(id=entity_id, path=str(PLACE / "theirs" / entity_id)).get()
    seen.append({"name": file.name, "md5": md5_of(file.path), "recorded": file.file_handle.content_md5})
path = written("of the client.bin", 17 * 2**20 + 5, seed=9)
stored = File(path=path, parent_id=WISHES["parent"]).store()
again = File(path=WISHES["path"], parent_id=WISHES["parent"]).store()
answer({"seen": seen, "id": stored.id, "md5": md5_of(path), "again": [again.id, again.version_number]})
