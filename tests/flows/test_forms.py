"""Flows take records; people, deployments and Prefect see flat fields, described and checked one by one."""

from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from prefect.exceptions import ParameterTypeError
from pydantic import Field

from flows.forms import flat, flow_with_form

Size = Annotated[int, Field(gt=0, description="How large.")]
Colour = Annotated[str, Field(description="Which colour.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What is drawn."""

    size: Size
    colour: Colour = "red"


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """What it is drawn on."""

    paper: Colour = "white"


DARK = Paper(paper="black")


def draw(*, shape: Shape, times: Size = 1, paper: Paper = DARK) -> Any:
    """Draw."""
    return shape, times, paper


def test_a_form_shows_the_fields_of_all_records_in_order_with_type_default_and_description() -> None:
    form = flow_with_form("draw")(draw).parameters.model_dump()

    assert ["size", "colour", "times", "paper"] == sorted(
        form["properties"], key=lambda name: form["properties"][name]["position"]
    )
    assert ["size"] == form["required"]
    assert (0, "How large.") == (
        form["properties"]["size"]["exclusiveMinimum"],
        form["properties"]["size"]["description"],
    )
    assert ("red", "black") == (form["properties"]["colour"]["default"], form["properties"]["paper"]["default"])


def test_values_reach_the_function_as_records() -> None:
    """What the form leaves out has the record's default, or that of the flow's own record."""
    assert (Shape(size=3), 1, DARK) == flat(draw)(size=3)
    assert (Shape(size=3, colour="blue"), 2, Paper(paper="grey")) == flat(draw)(3, "blue", times=2, paper="grey")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [({"size": 0}, "size"), ({"size": 1, "times": "often"}, "times"), ({}, "size"), ({"size": 1, "sise": 2}, "sise")],
)
def test_each_field_is_checked_by_itself_and_unknown_ones_are_refused(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises((ParameterTypeError, TypeError), match=told):
        flow_with_form("draw")(draw).validate_parameters(wrong)


def test_what_makes_no_good_form_is_found_when_the_flow_is_made() -> None:
    """A field without description, a name asked for twice, a field that must be filled in after one that need not."""

    def undescribed(*, size: int) -> None:
        """Nothing."""

    def twice(*, shape: Shape, colour: Colour) -> None:
        """Nothing."""

    def late(*, paper: Paper, shape: Shape) -> None:
        """Nothing."""

    with pytest.raises(ValueError, match="default"):
        flat(late)
    with pytest.raises(TypeError, match="size has no description"):
        flat(undescribed)
    with pytest.raises(TypeError, match="asks twice"):
        flat(twice)
