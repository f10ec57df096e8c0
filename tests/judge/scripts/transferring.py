"""A project with folders; files in several versions go up and come down again, small and in parts."""

from judging import PLACE, answer, md5_of, sign_in, written
from synapseclient.models import File, Folder, Project

MIB = 2**20

sign_in()
project = Project(name="Judged transfers").store()
outer = Folder(name="outer", parent_id=project.id).store()
inner = Folder(name="inner (a+b), c's", description="äöü ✓", parent_id=outer.id).store()

versions = []
for number, size in enumerate([1000, 2000, 17 * MIB + 5], start=1):
    path = written("measured.bin", size, seed=number)
    stored = File(path=path, parent_id=inner.id).store()
    versions.append({"id": stored.id, "number": stored.version_number, "md5": md5_of(path), "size": size})

client = sign_in(cache="cold")
came_down = []
for version in versions:
    target = PLACE / f"down-{version['number']}"
    read = File(id=version["id"], version_number=version["number"], path=str(target)).get()
    came_down.append({"md5": md5_of(read.path), "recorded": read.file_handle.content_md5, "name": read.name})

again = Folder(id=inner.id).get()
children = sorted(child["name"] for child in client.getChildren(outer.id))
answer({"versions": versions, "came_down": came_down, "description": again.description, "children": children})
