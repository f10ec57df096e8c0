"""The timeline: how the migrated items added up, with the journal's events as ticks below."""

from collections.abc import Sequence
from datetime import UTC, datetime

from storage_core.reports.figures import Event, ProgressFigure
from storage_core.reports.html.charts import WIDTH, picture
from storage_core.reports.html.markup import Markup, tag
from storage_core.reports.wording import count_text, counted, moment_text

TOP = 24.0
BOTTOM = 170.0
TICKS_SHOWN = 60


def timeline(progress: Sequence[ProgressFigure], events: Sequence[Event]) -> Markup | None:
    """The picture, or None when there is no stretch of time to show."""
    moments = [_seconds(step.until) for step in progress] + [_seconds(event.recorded_at) for event in events]
    if not moments or max(moments) - min(moments) < 1:
        return None
    first, last = min(moments), max(moments)
    total = sum(step.items for step in progress)

    def across(moment: datetime) -> float:
        return (_seconds(moment) - first) / (last - first) * WIDTH

    label = f"{counted(total, 'item')} migrated between {_when(first)} and {_when(last)}"
    return picture(
        label,
        BOTTOM + 46,
        tag("text", f"{count_text(total)} migrated", x=WIDTH, y=14, text_anchor="end", class_="quiet"),
        *_curve([(across(step.until), step.items) for step in progress], total),
        tag("line", x1=0, x2=WIDTH, y1=BOTTOM, y2=BOTTOM, class_="axis"),
        *(_tick(event, across(event.recorded_at)) for event in events[-TICKS_SHOWN:]),
        tag("text", _when(first), x=0, y=BOTTOM + 38, class_="quiet"),
        tag("text", _when(last), x=WIDTH, y=BOTTOM + 38, text_anchor="end", class_="quiet"),
    )


def _curve(steps: Sequence[tuple[float, int]], total: int) -> list[Markup]:
    if total == 0:
        return []
    points = [(steps[0][0], BOTTOM)]
    done = 0
    for across, items in steps:
        done += items
        points.append((across, BOTTOM - done / total * (BOTTOM - TOP)))
    points.append((float(WIDTH), TOP))
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return [
        tag("polygon", points=f"{line} {WIDTH},{BOTTOM:g} {points[0][0]:.1f},{BOTTOM:g}", class_="area"),
        tag("polyline", points=line, class_="curve"),
    ]


def _tick(event: Event, across: float) -> Markup:
    return tag(
        "g",
        tag("title", f"{moment_text(event.recorded_at)}: {event.event} {event.detail}".strip()),
        tag("line", x1=f"{across:.1f}", x2=f"{across:.1f}", y1=TOP, y2=BOTTOM + 8, class_="tick"),
        tag("circle", cx=f"{across:.1f}", cy=BOTTOM + 12, r=4, class_="dot"),
    )


def _seconds(moment: datetime) -> float:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _when(seconds: float) -> str:
    return moment_text(datetime.fromtimestamp(seconds, tz=UTC))
