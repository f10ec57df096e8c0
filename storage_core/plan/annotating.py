"""What annotations become: texts of cells get types, and those that are there already are left alone."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from storage_core.errors import UsageError
from storage_core.model.trees import Annotation, AnnotationText, AnnotationType, WantedAnnotation

MOST_ANNOTATIONS = 100
MOST_VALUES = 100
_NAME = re.compile(r"[A-Za-z0-9_.]+")
_LIST = re.compile(r"\[.*\]", re.DOTALL)
_COMMA_OUTSIDE_QUOTES = re.compile(r',(?=(?:[^"]*"[^"]*")*[^"]*$)')
_WHOLE = re.compile(r"[+-]?(?:0|[1-9]\d{0,18})")
_EXPONENT = r"[eE][+-]?\d{1,3}"
_INTEGER = r"(?:0|[1-9]\d*)"
# with a point or an exponent: longer digits without are names, and would lose some as a number
_DECIMAL = re.compile(rf"[+-]?(?:(?:{_INTEGER}?\.\d+|{_INTEGER}\.)(?:{_EXPONENT})?|{_INTEGER}{_EXPONENT})")
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:?\d\d)?)?")
_DIGITS = re.compile(r"-?\d{1,15}")
_MOMENTS = range(-62_135_596_800_000, 253_402_300_800_000)
_LONGS = range(-(2**63), 2**63)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBERS = frozenset({AnnotationType.LONG, AnnotationType.DOUBLE})


AnnotationValue = str | bool | int | float | datetime
"""What Python has for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Value:
    """One value: as it was written, and as the service writes it under each type it can have."""

    written: str
    type: AnnotationType
    text: str


def check_name(name: str) -> str:
    """Give *name* back when Synapse takes it for an annotation.

    Raises:
        UsageError: it does not.
    """
    if _NAME.fullmatch(name):
        return name
    raise UsageError(
        f"{name!r} is no name for an annotation.", fix="Letters, digits, underscores and full stops are allowed."
    )


def annotation_of(wanted: AnnotationText, present: Annotation | None = None) -> Annotation:
    """What the text means: ``[a,b]`` is several values, quotes make a text, dates and numbers are what they look like.

    It gets the type of *present* where its values can have that. Dates without a zone are in UTC.

    Raises:
        UsageError: there are too many values, or values of kinds that do not go together.
    """
    values = [_value(one) for one in _split(wanted.text)]
    if len(values) > MOST_VALUES:
        raise UsageError(
            f"Annotation {wanted.name} has {len(values)} values, more than {MOST_VALUES}.", fix="Leave some out."
        )
    if present is not None and present.unknown_type is None:
        texts = [_as(one, present.type) for one in values]
        if None not in texts:
            kept = tuple(text for text in texts if text is not None)
            return Annotation(name=wanted.name, type=present.type, values=kept)
    common = _common_type(wanted.name, values)
    return Annotation(name=wanted.name, type=common, values=tuple(_as(one, common) or "" for one in values))


def annotation_from(name: str, value: AnnotationValue | Sequence[AnnotationValue]) -> Annotation:
    """A value of Python, or several of one kind. Moments without a zone are in UTC.

    Raises:
        UsageError: they are of several kinds, or of none that Synapse knows.
    """
    values: Sequence[AnnotationValue]
    values = [value] if isinstance(value, str | bool | int | float | datetime) else list(value)
    found = [_of_python(name, one) for one in values]
    common = _common_type(name, found) if {one.type for one in found} <= _NUMBERS else None
    if common is None and len({one.type for one in found}) > 1:
        raise UsageError(f"The values of annotation {name} are of several kinds.", fix="Make them of one kind.")
    kind = common or found[0].type
    return Annotation(name=name, type=kind, values=tuple(_as(one, kind) or "" for one in found))


def _of_python(name: str, value: AnnotationValue) -> _Value:
    match value:
        case bool():
            return _Value(written=str(value), type=AnnotationType.BOOLEAN, text=str(value).lower())
        case int():
            return _Value(written=str(value), type=AnnotationType.LONG, text=str(value))
        case float():
            return _Value(written=repr(value), type=AnnotationType.DOUBLE, text=repr(value))
        case datetime():
            text = _since_epoch(value)
            return _Value(written=text, type=AnnotationType.TIMESTAMP_MS, text=text)
        case str():
            return _Value(written=value, type=AnnotationType.STRING, text=value)
        case _:
            raise UsageError(
                f"A value of annotation {name} is a {type(value).__name__}.",
                fix="Texts, numbers, truth values and moments are allowed.",
            )


def merged(present: Sequence[Annotation], wanted: Sequence[WantedAnnotation]) -> tuple[Annotation, ...] | None:
    """All annotations as they shall be; None when they are so.

    Raises:
        UsageError: see `annotation_of`; or there are more than the service keeps.
    """
    there = {one.name: one for one in present}
    changed = {one.name: now for one in wanted if (now := _changed(one, there.get(one.name))) is not None}
    if not changed:
        return None
    together = there | changed
    if len(together) > MOST_ANNOTATIONS:
        raise UsageError(
            f"The file would have {len(together)} annotations, Synapse keeps {MOST_ANNOTATIONS}.", fix="Use fewer."
        )
    return tuple(together.values())


def _changed(wanted: WantedAnnotation, present: Annotation | None) -> Annotation | None:
    if isinstance(wanted, Annotation):
        return None if wanted == present else wanted
    if present is not None and _flat(annotation_text(present)) == _flat(wanted.text):
        # as a manifest shows it: what the text would be read as does not matter
        return None
    now = annotation_of(wanted, present)
    return None if now == present else now


def annotation_text(annotation: Annotation) -> str:
    """One value as it is, several as ``[a,b]``; a text with a comma among several is quoted."""
    values = [_shown(one, annotation.type) for one in annotation.values]
    if len(values) == 1:
        return values[0]
    if not values:
        return ""
    if annotation.type is AnnotationType.STRING:
        values = [f'"{one}"' if "," in one else one for one in values]
    return f"[{','.join(values)}]"


def _shown(text: str, kind: AnnotationType) -> str:
    if kind is AnnotationType.BOOLEAN:
        return text.capitalize()
    if kind is AnnotationType.TIMESTAMP_MS and _DIGITS.fullmatch(text) and int(text) in _MOMENTS:
        moment = _EPOCH + timedelta(milliseconds=int(text))
        return moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds").replace("+00:00", "Z")
    return text


def _flat(text: str) -> str:
    """Without what a manifest cannot hold: line breaks and tabs are blanks there."""
    return " ".join(text.split())


def _split(text: str) -> list[str]:
    text = text.strip()
    parts = _COMMA_OUTSIDE_QUOTES.split(text[1:-1]) if _LIST.fullmatch(text) else [text]
    return [part.strip() for part in parts if part.strip()]


def _value(written: str) -> _Value:
    if len(written) > 1 and written[0] == written[-1] == '"':
        return _Value(written=written[1:-1], type=AnnotationType.STRING, text=written[1:-1])
    for kind in (AnnotationType.TIMESTAMP_MS, AnnotationType.BOOLEAN, AnnotationType.LONG, AnnotationType.DOUBLE):
        text = _read_as(written, kind)
        if text is not None:
            return _Value(written=written, type=kind, text=text)
    return _Value(written=written, type=AnnotationType.STRING, text=written)


def _read_as(written: str, kind: AnnotationType) -> str | None:
    """How the service writes it under that type; None when it is none of these."""
    match kind:
        case AnnotationType.TIMESTAMP_MS:
            return _milliseconds(written)
        case AnnotationType.BOOLEAN:
            return written.lower() if written.lower() in {"true", "false"} else None
        case AnnotationType.LONG:
            return str(int(written)) if _WHOLE.fullmatch(written) and int(written) in _LONGS else None
        case AnnotationType.DOUBLE:
            return written if _DECIMAL.fullmatch(written) and abs(float(written)) < float("inf") else None
        case AnnotationType.STRING:
            return written


def _milliseconds(written: str) -> str | None:
    if _DATE.fullmatch(written) is None:
        return None
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        # the 31st of a short month is a text
        return None
    return _since_epoch(moment)


def _since_epoch(moment: datetime) -> str:
    since = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH
    return str(since // timedelta(milliseconds=1))


def _as(value: _Value, kind: AnnotationType) -> str | None:
    if kind is value.type:
        return value.text
    if kind is AnnotationType.STRING:
        return value.written
    return value.written if (kind, value.type) == (AnnotationType.DOUBLE, AnnotationType.LONG) else None


def _common_type(name: str, values: Sequence[_Value]) -> AnnotationType:
    types = {one.type for one in values}
    if len(types) <= 1:
        return next(iter(types), AnnotationType.STRING)
    if types == _NUMBERS:
        return AnnotationType.DOUBLE
    if AnnotationType.STRING in types:
        return AnnotationType.STRING
    shown = ", ".join(f"{one.written} ({one.type})" for one in values[:4])
    raise UsageError(
        f"The values of annotation {name} do not go together: {shown}.",
        fix='Make them of one kind, or put them into "quotes" to make them texts.',
    )
