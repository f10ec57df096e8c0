"""Ids, etags and uuids: reproducible, never repeated."""

import random
import uuid

ROOT_NUMBER = 4489
"""Of the entity above all projects (contract 6.3); it exists from the start, and no other may have its id."""


class Sequences:
    """Hands out numbers per kind, starting where the real service's look plausible."""

    def __init__(self, *, seed: int) -> None:
        self._random = random.Random(seed)
        self._next = {
            "entity": 1001,
            "handle": 90001,
            "location": 41001,
            "setting": 9001,
            "principal": 3401,
            "wiki": 70001,
            "other": 50001,
        }

    def number(self, kind: str) -> int:
        """The next number of *kind* (entity, handle, location, setting, principal, wiki, other)."""
        value = self._next[kind]
        if kind == "entity" and value == ROOT_NUMBER:
            value += 1
        self._next[kind] = value + 1
        return value

    def uuid(self) -> str:
        """A reproducible uuid, used for etags and object keys."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))
