"""Fetches a file that somebody else put on a server of their own, and puts one there."""

from judging import PLACE, WISHES, answer, md5_of, sign_in, written
from synapseclient.models import File

sign_in(config=WISHES["config"])
fetched = File(id=WISHES["fetch"], path=str(PLACE / "fetched")).get()
path = written("from the client.bin", 300_000, seed=7)
stored = File(path=path, parent_id=WISHES["container"]).store()
answer({"fetched": md5_of(fetched.path), "name": fetched.name, "stored": stored.id, "md5": md5_of(path)})
