"""Pictures as inline SVG: no script, no font, no network. Each carries its message as text for screen readers."""

from collections.abc import Sequence
from dataclasses import dataclass

from storage_core.reports.html.markup import Child, Markup, tag

WIDTH = 960
COLOURS = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """A share of a bar: a class that colours it, its size, and what it says when pointed at."""

    class_name: str
    size: int
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """Something that goes from a place on the left to a place on the right."""

    left: str
    right: str
    size: int
    title: str


def picture(label: str, height: float, *shapes: Child) -> Markup:
    """A drawing of full width with a spoken label."""
    return tag("svg", tag("title", label), *shapes, viewBox=f"0 0 {WIDTH} {height:g}", role="img", aria_label=label)


def share_bar(label: str, slices: Sequence[Slice]) -> Markup:
    """One horizontal bar, cut in proportion; the smallest share stays visible."""
    total = sum(slice_.size for slice_ in slices)
    shown = [slice_ for slice_ in slices if slice_.size > 0]
    if total == 0:
        return picture(label, 22, tag("rect", x=0, y=2, width=WIDTH, height=18, rx=4, class_="f7 band"))
    widths = _at_least([slice_.size / total * WIDTH for slice_ in shown], least=4)
    left = 0.0
    shapes = []
    for slice_, width in zip(shown, widths, strict=True):
        shapes.append(
            tag(
                "rect",
                tag("title", slice_.title),
                x=f"{left:.1f}",
                y=2,
                width=f"{width:.1f}",
                height=18,
                class_=f"{slice_.class_name} gap",
            )
        )
        left += width
    return picture(label, 22, *shapes)


def small_bar(part: int, whole: int) -> Markup:
    """A bar for a table cell; the number beside it says the same."""
    width = 100 * part / whole if whole else 0
    return tag(
        "svg",
        tag("rect", x=0, y=0, width=100, height=8, rx=3, class_="track"),
        tag("rect", x=0, y=0, width=f"{max(width, 1 if part else 0):.1f}", height=8, rx=3, class_="f2"),
        viewBox="0 0 100 8",
        preserveAspectRatio="none",
        class_="bar",
        aria_hidden="true",
    )


def _at_least(widths: Sequence[float], *, least: float) -> list[float]:
    """Widen slivers to *least* and take the difference from the others, in proportion."""
    slivers = sum(width < least for width in widths)
    wide = sum(width for width in widths if width >= least)
    room = sum(widths) - slivers * least
    return [least if width < least else width / wide * room for width in widths]
