"""Reads one JSON object field by field; a wrong type is the service's nonsense and stops the run, named exactly.

Absent and null are the same (contract 0.3). Ids may come as texts or as numbers, and sizes as texts.
"""

from collections.abc import Iterator

from storage_core.errors import ServiceUnavailable
from storage_core.synapse.calls import Answer, JsonObject


def nonsense(call: str, what: str) -> ServiceUnavailable:
    """Make the error for an answer that no Synapse gives."""
    return ServiceUnavailable(
        f"The service talks nonsense: in its answer to {call} {what}.",
        fix="Check that the endpoints are those of a Synapse; if they are, please report this.",
    )


class Fields:
    """The fields of one object of one answer."""

    __slots__ = ("_call", "_object", "_path")

    def __init__(self, values: JsonObject, *, call: str, path: str = "") -> None:
        self._object = values
        self._call = call
        self._path = path

    @classmethod
    def of(cls, answer: Answer) -> "Fields":
        """Start at the outermost object of an answer."""
        return cls(answer.body, call=answer.call)

    @property
    def call(self) -> str:
        """The call that was answered."""
        return self._call

    @property
    def raw(self) -> JsonObject:
        """The object itself, unread."""
        return self._object

    def wrong(self, name: str, what: str) -> ServiceUnavailable:
        """Make the error for the field *name*."""
        return nonsense(self._call, f"the field {self._path}{name} {what}")

    def optional_text(self, name: str) -> str | None:
        """Give a text, or None."""
        value = self._object.get(name)
        if value is None or isinstance(value, str):
            return value
        raise self.wrong(name, f"is {_kind(value)}, not a text")

    def text(self, name: str) -> str:
        """Give a text that must be there."""
        value = self.optional_text(name)
        if value is None:
            raise self.wrong(name, "is missing")
        return value

    def optional_id(self, name: str) -> str | None:
        """Give an id as text, whichever way it was sent; empty counts as absent."""
        value = self._object.get(name)
        if value is None or value == "":
            return None
        if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
            return str(value)
        raise self.wrong(name, f"is {_kind(value)}, not an id")

    def id(self, name: str) -> str:
        """Give an id that must be there."""
        value = self.optional_id(name)
        if value is None:
            raise self.wrong(name, "is missing")
        return value

    def optional_whole(self, name: str) -> int | None:
        """Give a whole number, also when it was sent as a text of digits."""
        value = self._object.get(name)
        if value is None:
            return None
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, str) and value.isascii() and value.isdigit():
            return int(value)
        raise self.wrong(name, f"is {_kind(value)}, not a whole number")

    def whole(self, name: str) -> int:
        """Give a whole number that must be there."""
        value = self.optional_whole(name)
        if value is None:
            raise self.wrong(name, "is missing")
        return value

    def flag(self, name: str, *, absent: bool = False) -> bool:
        """Give true or false; *absent* when it is not there."""
        value = self._object.get(name)
        if value is None:
            return absent
        if isinstance(value, bool):
            return value
        raise self.wrong(name, f"is {_kind(value)}, not true or false")

    def optional_inner(self, name: str) -> "Fields | None":
        """Give an inner object, or None."""
        value = self._object.get(name)
        if value is None:
            return None
        if isinstance(value, dict):
            return Fields(value, call=self._call, path=f"{self._path}{name}.")
        raise self.wrong(name, f"is {_kind(value)}, not an object")

    def inner(self, name: str) -> "Fields":
        """Give an inner object that must be there."""
        value = self.optional_inner(name)
        if value is None:
            raise self.wrong(name, "is missing")
        return value

    def inners(self, name: str) -> "Iterator[Fields]":
        """Go through a list of objects; an absent list is empty."""
        for number, value in enumerate(self.values(name)):
            if not isinstance(value, dict):
                raise self.wrong(f"{name}[{number}]", f"is {_kind(value)}, not an object")
            yield Fields(value, call=self._call, path=f"{self._path}{name}[{number}].")

    def optional_inners(self, name: str) -> "Iterator[Fields | None]":
        """Go through a list of objects and nulls."""
        for number, value in enumerate(self.values(name)):
            if value is None:
                yield None
            elif isinstance(value, dict):
                yield Fields(value, call=self._call, path=f"{self._path}{name}[{number}].")
            else:
                raise self.wrong(f"{name}[{number}]", f"is {_kind(value)}, not an object")

    def optional_texts(self, name: str) -> tuple[str | None, ...]:
        """Give a list of texts and nulls."""
        values = self.values(name)
        texts = tuple(value for value in values if value is None or isinstance(value, str))
        if len(texts) != len(values):
            raise self.wrong(name, "holds something that is no text")
        return texts

    def wholes(self, name: str) -> tuple[int, ...]:
        """Give a list of whole numbers."""
        values = self.values(name)
        numbers = tuple(value for value in values if isinstance(value, int) and not isinstance(value, bool))
        if len(numbers) != len(values):
            raise self.wrong(name, "holds something that is no whole number")
        return numbers

    def values(self, name: str) -> list[object]:
        """Give a list as it came; an absent one is empty."""
        value = self._object.get(name)
        if value is None:
            return []
        if isinstance(value, list):
            return value
        raise self.wrong(name, f"is {_kind(value)}, not a list")


def _kind(value: object) -> str:
    return {dict: "an object", list: "a list", str: "a text", bool: "true or false"}.get(type(value), "a number")
