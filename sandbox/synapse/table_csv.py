"""CSV as the service writes and reads it: descriptors, headers, rows (contract 9.5, 9.7)."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from sandbox.synapse.http import Json, Refused

ROW_ID = "ROW_ID"
ROW_VERSION = "ROW_VERSION"
ROW_ETAG = "ROW_ETAG"
PSEUDO_COLUMNS = (ROW_ID, ROW_VERSION, ROW_ETAG)


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvShape:
    """How a CSV is punctuated."""

    separator: str = ","
    quote: str = '"'
    escape: str | None = "\\"
    line_end: str = "\n"
    has_header: bool = True

    @classmethod
    def of(cls, descriptor: Any) -> "CsvShape":
        """The shape that a csvTableDescriptor asks for; refuses with 400 what is no single sign."""
        if descriptor is None:
            return cls()
        if not isinstance(descriptor, dict):
            raise Refused(400, "csvTableDescriptor must be an object")
        return cls(
            separator=_sign(descriptor, "separator", ","),
            quote=_sign(descriptor, "quoteCharacter", '"'),
            escape=_sign(descriptor, "escapeCharacter", "\\"),
            line_end=descriptor.get("lineEnd") or "\n",
            has_header=descriptor.get("isFirstLineHeader") is not False,
        )

    def write(self, header: Sequence[str] | None, rows: Iterable[Sequence[str | None]]) -> bytes:
        """The file's bytes; nulls are empty."""
        text = io.StringIO()
        writer = csv.writer(
            text,
            delimiter=self.separator,
            quotechar=self.quote,
            escapechar=self._distinct_escape(),
            lineterminator=self.line_end,
        )
        writer.writerows(chain([header] if header is not None else [], rows))
        return text.getvalue().encode()

    def read(self, data: bytes, *, lines_to_skip: int = 0) -> Iterator[list[str]]:
        """The lines as fields; refuses with 400 what is no UTF-8 or no CSV."""
        try:
            text = data.decode("utf-8-sig")
            lines = csv.reader(
                io.StringIO(text, newline=""),
                delimiter=self.separator,
                quotechar=self.quote,
                escapechar=self._distinct_escape(),
                strict=True,
            )
            yield from (line for number, line in enumerate(lines) if number >= lines_to_skip and line)
        except (UnicodeDecodeError, csv.Error) as error:
            raise Refused(400, f"The CSV cannot be read: {error}") from error

    def _distinct_escape(self) -> str | None:
        return None if self.escape == self.quote else self.escape


def _sign(descriptor: Json, member: str, default: str) -> str:
    sign = descriptor.get(member) or default
    if not isinstance(sign, str) or len(sign) != 1:
        raise Refused(400, f"{member} must be one character")
    return sign
