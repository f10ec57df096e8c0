"""What texts of cells become as annotations, and when nothing has to be written."""

import pytest

from storage_core.errors import UsageError
from storage_core.model.trees import Annotation, AnnotationText, AnnotationType
from storage_core.plan.annotating import annotation_of, annotation_text, check_name, merged

STRING, LONG, DOUBLE = AnnotationType.STRING, AnnotationType.LONG, AnnotationType.DOUBLE
TIME, BOOLEAN = AnnotationType.TIMESTAMP_MS, AnnotationType.BOOLEAN


@pytest.mark.parametrize(
    ("text", "kind", "values"),
    [
        ("liver", STRING, ("liver",)),
        ("7", LONG, ("7",)),
        ("007", STRING, ("007",)),
        ("99999999999999999999", STRING, ("99999999999999999999",)),
        ("9" * 5000, STRING, ("9" * 5000,)),
        ("7.50", DOUBLE, ("7.50",)),
        ("-1e3", DOUBLE, ("-1e3",)),
        ("1e999", STRING, ("1e999",)),
        ("TRUE", BOOLEAN, ("true",)),
        ("2020-01-01", TIME, ("1577836800000",)),
        ("2020-01-01T00:00:00Z", TIME, ("1577836800000",)),
        ("2020-01-01T00:00:00.005+01:00", TIME, ("1577833200005",)),
        ("20200101", LONG, ("20200101",)),
        ("2020-02-31", STRING, ("2020-02-31",)),
        ("[a, b]", STRING, ("a", "b")),
        ('["left, lower",right]', STRING, ("left, lower", "right")),
        ("[1,2.5]", DOUBLE, ("1", "2.5")),
        ("[12, A7]", STRING, ("12", "A7")),
        ("[a,,b]", STRING, ("a", "b")),
        ('"7"', STRING, ("7",)),
        ("[]", STRING, ()),
    ],
)
def test_a_cell_becomes_what_it_looks_like(text: str, kind: AnnotationType, values: tuple[str, ...]) -> None:
    made = annotation_of(AnnotationText(name="a", text=text))

    assert (kind, values) == (made.type, made.values)


@pytest.mark.parametrize(
    ("present", "text", "values"),
    [(STRING, "8", ("8",)), (DOUBLE, "8", ("8",)), (STRING, "[true,2020-01-01]", ("true", "2020-01-01"))],
)
def test_the_type_that_is_there_stays_where_the_new_value_fits(
    present: AnnotationType, text: str, values: tuple[str, ...]
) -> None:
    """A view would lose the column otherwise."""
    there = Annotation(name="a", type=present, values=("x",))

    assert Annotation(name="a", type=present, values=values) == annotation_of(
        AnnotationText(name="a", text=text), there
    )


def test_a_value_that_does_not_fit_brings_its_own_type() -> None:
    there = Annotation(name="a", type=LONG, values=("7",))

    assert STRING is annotation_of(AnnotationText(name="a", text="seven"), there).type


def test_values_of_kinds_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(UsageError, match=r"do not go together: true \(BOOLEAN\), 7 \(LONG\)"):
        annotation_of(AnnotationText(name="a", text="[true,7]"))


def test_too_many_values_are_refused() -> None:
    with pytest.raises(UsageError, match="101 values"):
        annotation_of(AnnotationText(name="a", text=f"[{','.join('a' * 101)}]"))


@pytest.mark.parametrize("name", ["a b", "ä", "", "a-b"])
def test_names_that_synapse_refuses_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match="no name for an annotation"):
        check_name(name)


@pytest.mark.parametrize(
    "there",
    [
        Annotation(name="a", type=STRING, values=("7",)),
        Annotation(name="a", type=STRING, values=("two\nlines\tand a tab",)),
        Annotation(name="a", type=DOUBLE, values=("NaN",)),
        Annotation(name="a", type=STRING, values=("[x,y]",)),
        Annotation(name="a", type=TIME, values=("1577836800000", "5")),
        Annotation(name="a", type=STRING, values=("1",), unknown_type="UUID"),
    ],
)
def test_what_a_manifest_shows_changes_nothing_when_it_is_given_back(there: Annotation) -> None:
    """Whatever type its text would have by itself."""
    shown = annotation_text(there).replace("\n", " ").replace("\t", " ")

    assert merged([there], [AnnotationText(name="a", text=shown)]) is None


def test_other_annotations_stay() -> None:
    there = [Annotation(name=name, type=LONG, values=("1",)) for name in "ab"]

    changed = merged(there, [AnnotationText(name="b", text="2"), AnnotationText(name="c", text="x")])

    assert {"a": ("1",), "b": ("2",), "c": ("x",)} == {one.name: one.values for one in changed or ()}


def test_more_annotations_than_synapse_keeps_are_refused() -> None:
    there = [Annotation(name=f"a{number}", type=LONG, values=("1",)) for number in range(100)]

    with pytest.raises(UsageError, match="101 annotations"):
        merged(there, [AnnotationText(name="one.more", text="x")])


def test_a_moment_no_calendar_has_is_shown_as_it_is_written() -> None:
    assert "999999999999999" == annotation_text(Annotation(name="a", type=TIME, values=("999999999999999",)))
