"""What a migration must have done, worked out from the sandbox's state before it: without any code of the product.

The rules are the ones of the README: which handles move, which places refer to the copy, what stays untouched.
Violations come back as sentences, so that a failing test says what is wrong and not only that something is.
"""

import re
from collections import Counter
from typing import Any

State = dict[str, Any]

S3_HANDLE = "org.sagebionetworks.repo.model.file.S3FileHandle"
FILES = {"file", "recordset"}
VALID_NAME = re.compile(r"[A-Za-z0-9 ,_.\-+'()]{1,256}")
UNTOUCHED = ("name", "parentId", "createdBy", "createdOn", "acl", "setting", "kind", "inTrash")
UNTOUCHED_IN_VERSION = ("number", "label", "comment", "description", "activityId", "annotations", "fields")


def tree(state: State, root: str) -> list[str]:
    """Ids of everything below *root*, itself included, not in the trash; several roots with commas between them."""
    children: dict[str, list[str]] = {}
    for entity_id, entity in state["entities"].items():
        if not entity["inTrash"]:
            children.setdefault(entity["parentId"], []).append(entity_id)
    found: dict[str, None] = {}
    queue = root.split(",")
    while queue:
        entity_id = queue.pop()
        found[entity_id] = None
        queue += children.get(entity_id, [])
    return list(found)


def files_in(state: State, root: str) -> list[str]:
    """Ids of the file entities below *root*."""
    return [one for one in tree(state, root) if state["entities"][one]["kind"] in FILES]


class Expectation:
    """What must be true after migrating *root* to *destination*, given the state *before*.

    With *file_columns*, the ids of all columns of file handles, tables are included; *is_frozen* says whether each
    table is frozen as a version before it is changed.
    """

    def __init__(
        self,
        before: State,
        root: str,
        destination: int,
        strategy: str,
        *,
        unreadable: set[str],
        file_columns: frozenset[str] = frozenset(),
        is_frozen: bool = True,
    ) -> None:
        self.file_columns = file_columns
        self.is_frozen = is_frozen
        self.before = before
        self.root = root
        self.destination = destination
        self.strategy = strategy
        self.unreadable = unreadable

    def moves(self, entity_id: str) -> dict[int, str]:
        """Version number -> source handle, for the versions whose bytes move."""
        entity = self.before["entities"][entity_id]
        versions = entity["versions"]
        counted = versions if self.strategy == "all" else versions[-1:]
        if self.strategy == "skip" or entity_id in self.unreadable:
            return {}
        if self.strategy == "new" and not VALID_NAME.fullmatch(entity["name"]):
            return {}
        return {one["number"]: one["handleId"] for one in counted if self._movable(one["handleId"])}

    def sources(self) -> set[str]:
        """Distinct handles that must be copied, once each."""
        in_files = {handle for one in files_in(self.before, self.root) for handle in self.moves(one).values()}
        return in_files | {handle for one in self.tables() for handle in self.moving_cells(one).values()}

    def places(self) -> int:
        """How many places must refer to a copy in the end."""
        in_files = sum(len(self.moves(one)) for one in files_in(self.before, self.root))
        return in_files + sum(len(self.moving_cells(one)) for one in self.tables())

    def size(self) -> int:
        """Bytes of those places; a handle in several places counts once for each."""
        handles = [handle for one in files_in(self.before, self.root) for handle in self.moves(one).values()]
        handles += [handle for one in self.tables() for handle in self.moving_cells(one).values()]
        return sum(self.before["handles"][one]["contentSize"] for one in handles)

    def items(self) -> int:
        """How many items there must be: each version or filled cell that counts, and one for whatever is left alone."""
        return sum(self._items_of(one) for one in tree(self.before, self.root))

    def _items_of(self, entity_id: str) -> int:
        entity = self.before["entities"][entity_id]
        if entity["kind"] in {"project", "folder"}:
            return 0
        if entity["kind"] in FILES:
            return len(entity["versions"]) if self.strategy == "all" else 1
        if entity_id not in self.tables():
            return 1
        rows = self.before["tables"].get(entity_id, {"rows": {}})["rows"].values()
        cells = [value for row in rows for column, value in row["cells"].items() if column in self.file_columns]
        return max(1, sum(value is not None for value in cells))

    def tables(self) -> list[str]:
        """Tables that are looked into."""
        if not self.file_columns:
            return []
        return [one for one in tree(self.before, self.root) if self.before["entities"][one]["kind"] == "table"]

    def moving_cells(self, table_id: str) -> dict[tuple[str, str], str]:
        """(row, column) -> source handle, for the cells whose bytes move."""
        rows = self.before["tables"].get(table_id, {"rows": {}})["rows"]
        return {
            (row_id, column): value
            for row_id, row in rows.items()
            for column, value in row["cells"].items()
            if column in self.file_columns and value is not None and self._movable(value, in_cell=True)
        }

    def violations(self, after: State) -> list[str]:
        """Everything that is not as it must be; empty when all is well."""
        wrong: list[str] = []
        copies: dict[str, str] = {}
        for entity_id, entity in self.before["entities"].items():
            now = after["entities"].get(entity_id)
            if now is None:
                wrong.append(f"{entity_id} is gone")
                continue
            wrong += [f"{entity_id}: {key} changed" for key in UNTOUCHED if entity[key] != now[key]]
            if entity_id in self.tables() and self.moving_cells(entity_id):
                wrong += self._table(entity_id, after, copies)
                continue
            if self.before["tables"].get(entity_id) != after["tables"].get(entity_id):
                wrong.append(f"{entity_id}: a table was changed although nothing in it moves")
            in_scope = entity["kind"] in FILES and entity_id in set(files_in(self.before, self.root))
            wrong += self._versions(entity_id, now, after, copies, moves=self.moves(entity_id) if in_scope else {})
        wrong += [f"{one} is new" for one in after["entities"].keys() - self.before["entities"].keys()]
        wrong += self._handles(after, copies)
        return wrong

    def _movable(self, handle_id: str, *, in_cell: bool = False) -> bool:
        handle = self.before["handles"][handle_id]
        location = handle.get("storageLocationId", 1)
        return (
            handle["concreteType"] == S3_HANDLE
            and location != self.destination
            and (in_cell or not self.before["locations"].get(str(location), {}).get("stsEnabled"))
            and handle.get("status", "AVAILABLE") != "ARCHIVED"
            and bool(handle.get("contentMd5"))
            and (handle.get("contentSize") or 0) > 0
        )

    def _table(self, table_id: str, after: State, copies: dict[str, str]) -> list[str]:
        """Exactly the moving cells refer to copies; the state before is frozen once, and older versions stay."""
        old, new = self.before["tables"][table_id], after["tables"][table_id]
        moving = self.moving_cells(table_id)
        wrong = [f"{table_id}: row {one} is gone or new" for one in old["rows"].keys() ^ new["rows"].keys()]
        for row_id, row in old["rows"].items():
            now = new["rows"].get(row_id, {"cells": {}})
            if now["cells"].keys() != row["cells"].keys():
                wrong.append(f"{table_id} row {row_id} has other columns")
                continue
            for column, value in row["cells"].items():
                place = f"{table_id} row {row_id} column {column}"
                if (row_id, column) in moving:
                    wrong += self._copy(place, value, now["cells"][column], after, copies)
                elif now["cells"][column] != value:
                    wrong.append(f"{place} changed although it must not move")
        return wrong + self._frozen(table_id, old, new, after)

    def _frozen(self, table_id: str, old: Any, new: Any, after: State) -> list[str]:
        before = {one["number"]: one for one in self.before["entities"][table_id]["versions"]}
        now = {one["number"]: one for one in after["entities"][table_id]["versions"]}
        current = max(before)
        changed = [f"{table_id}.{one} changed" for one in before if one != current and now.get(one) != before[one]]
        wrong = changed + [
            f"{table_id}: frozen version {one} changed"
            for one, rows in old["snapshots"].items()
            if new["snapshots"].get(one) != rows
        ]
        added = new["snapshots"].keys() - old["snapshots"].keys()
        expected = {str(current)} if self.is_frozen else set()
        if added != expected:
            wrong.append(f"{table_id}: frozen as {sorted(added)} instead of {sorted(expected)}")
        wrong += [
            f"{table_id}.{one} was frozen after the first change"
            for one in added
            if new["snapshots"][one] != old["rows"]
        ]
        if len(now) != len(before) + len(expected):
            wrong.append(f"{table_id}: {len(now) - len(before)} versions were added")
        return wrong

    def _versions(
        self, entity_id: str, now: Any, after: State, copies: dict[str, str], *, moves: dict[int, str]
    ) -> list[str]:
        old = {one["number"]: one for one in self.before["entities"][entity_id]["versions"]}
        new = {one["number"]: one for one in now["versions"]}
        wrong: list[str] = []
        added = sorted(new.keys() - old.keys())
        if self.strategy == "new" and moves:
            ((current, source),) = moves.items()
            wrong += self._added_version(entity_id, new, added, old[current], source, after, copies)
            moves = {}
        elif added:
            wrong.append(f"{entity_id}: unexpected versions {added}")
        for number, version in old.items():
            if number not in new:
                wrong.append(f"{entity_id}.{number} is gone")
                continue
            wrong += [
                f"{entity_id}.{number}: {key} changed"
                for key in UNTOUCHED_IN_VERSION
                if version[key] != new[number][key]
            ]
            source = moves.get(number)
            if source is None and new[number]["handleId"] != version["handleId"]:
                wrong.append(f"{entity_id}.{number}: handle changed although it must not move")
            if source is not None:
                wrong += self._copy(f"{entity_id}.{number}", source, new[number]["handleId"], after, copies)
        return wrong

    def _added_version(
        self, entity_id: str, new: Any, added: list[int], current: Any, source: str, after: State, copies: Any
    ) -> list[str]:
        if len(added) != 1:
            return [f"{entity_id}: {len(added)} versions were added instead of one"]
        version = new[added[0]]
        wrong = self._copy(f"{entity_id}.{added[0]}", source, version["handleId"], after, copies)
        if version["label"] != str(added[0]):
            wrong.append(f"{entity_id}: the new version's label is {version['label']}")
        for key in ("activityId", "annotations", "description"):
            if version[key] != current[key]:
                wrong.append(f"{entity_id}: {key} was not carried over to the new version")
        return wrong

    def _copy(self, place: str, source: str, found: str, after: State, copies: dict[str, str]) -> list[str]:
        """The handle at a place must be the one copy of its source, at the destination, with the same content."""
        if found == source:
            return [f"{place} still refers to its old handle"]
        if copies.setdefault(source, found) != found:
            return [f"{place}: handle {source} was copied more than once"]
        old, new = self.before["handles"][source], after["handles"][found]
        wrong = [
            f"{place}: {key} of the copy is {new.get(key)}, not {old.get(key)}"
            for key in ("contentMd5", "contentSize", "fileName", "contentType")
            if old.get(key) != new.get(key)
            # a name that Synapse would refuse today is cleaned on the way; nothing else may change
            and not (key == "fileName" and not VALID_NAME.fullmatch(old.get("fileName") or ""))
        ]
        if new.get("storageLocationId") != self.destination:
            wrong.append(f"{place}: the copy is in location {new.get('storageLocationId')}")
        stored = after["objects"].get(new["bucketName"], {}).get(new["key"])
        if stored is None:
            return [*wrong, f"{place}: the copy has no object"]
        if stored["size"] != old["contentSize"] or stored["md5"] != old["contentMd5"]:
            wrong.append(f"{place}: the object's bytes are not the source's")
        return wrong

    def _handles(self, after: State, copies: dict[str, str]) -> list[str]:
        """No orphan: every new handle and every new object belongs to a copy that is in use."""
        fresh = after["handles"].keys() - self.before["handles"].keys()
        wrong = [f"handle {one} is an orphan" for one in fresh - set(copies.values())]
        lost = self.before["handles"].keys() - after["handles"].keys()
        wrong += [f"handle {one} was deleted" for one in lost]
        before, now = (
            Counter((bucket, key) for bucket, keys in state["objects"].items() for key in keys)
            for state in (self.before, after)
        )
        if sum((now - before).values()) != len(copies):
            wrong.append(f"{sum((now - before).values())} objects were made for {len(copies)} copies")
        wrong += [f"object {one} was deleted" for one in before - now]
        return wrong
