"""Annotations and provenance are kept, each version has its own, and a rename keeps the id."""

from judging import answer, sign_in, written
from synapseclient.models import Activity, File, Project, UsedURL

sign_in()
project = Project(name="Judged descriptions").store()
path = written("a.txt", 100, seed=1)
file = File(path=path, parent_id=project.id)
file.annotations = {"tissue": ["liver", "lung"], "count": [3], "ratio": [0.5], "open": [True]}
file.activity = Activity(name="measured", used=[UsedURL(name="protocol", url="https://example.org/protocol")])
file.store()

read = File(id=file.id, download_file=False).get()
first = {key: list(value) for key, value in read.annotations.items()}
read.annotations = {"tissue": ["heart"]}
read.name = "renamed.txt"
read.store()
last = File(id=file.id, download_file=False).get(include_activity=True)
old = File(id=file.id, version_number=1, download_file=False).get(include_activity=True)
answer(
    {
        "annotations": {"tissue": ["liver", "lung"], "count": [3], "ratio": [0.5], "open": [True]},
        "first": first,
        "activity": old.activity.name,
        "used": [used.url for used in old.activity.used],
        "carried_over": last.activity is not None,
        "versions": [old.version_number, last.version_number],
        "changed": {key: list(value) for key, value in last.annotations.items()},
        "name": last.name,
        "same_id": last.id == file.id,
    }
)
