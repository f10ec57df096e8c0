"""How a function becomes a flow whose form is made of records that flows share.

Prefect makes a form of a flow's signature, takes what it says about a field from the flow's docstring, and lets a
deployment override values one by one: so the parameters of a flow have to be flat, and said again in every flow. Here
a flow takes records; their fields become its parameters, and the descriptions in their types its docstring.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from functools import wraps
from importlib.metadata import PackageNotFoundError, version
from typing import Any, TypeVar, get_args, get_type_hints

from prefect import Flow
from prefect import flow as prefect_flow
from pydantic.fields import FieldInfo

from flows.sessions import batch_threads
from flows.telling import told_in_words

R = TypeVar("R")
Records = Mapping[str, type[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One field of a form: the parameter, and the name of the record it belongs to; empty when it stands alone."""

    parameter: inspect.Parameter
    record: str


def flow_with_form(name: str) -> Callable[[Callable[..., R]], Flow[..., R]]:
    """Make a flow called *name* of a function, each of whose parameters is a record or a described value.

    An error of ours ends the run as Failed, with what it says; whoever calls the flow from Python still gets it raised.
    The flow takes the fields of the records as its own parameters, in their order. A record that is a parameter's
    default gives its fields their defaults. Batches run on threads of this process, results are not kept.

    Raises:
        TypeError: a field has no description, or two records have fields of one name.
        ValueError: a field that must be filled in follows one that need not.
    """

    def made(function: Callable[..., R]) -> Flow[..., R]:
        as_flow = prefect_flow(name=name, version=_release(), task_runner=batch_threads(), persist_result=False)
        return as_flow(told_in_words(flat(function)))

    return made


def flat(function: Callable[..., R]) -> Callable[..., R]:
    """The same function with the fields of its records as parameters; see `flow_with_form`."""
    hints = get_type_hints(function, include_extras=True)
    given = inspect.signature(function).parameters.values()
    asked = [one for parameter in given for one in _asked(parameter, hints[parameter.name])]
    names = [one.parameter.name for one in asked]
    if len(set(names)) < len(names):
        raise TypeError(f"{function.__qualname__} asks twice for one of {sorted(names)}")
    records = {parameter.name: hints[parameter.name] for parameter in given if is_dataclass(hints[parameter.name])}

    signature = inspect.Signature([one.parameter for one in asked])

    @wraps(function)
    def called(*first: Any, **values: Any) -> R:
        given = signature.bind(*first, **values).arguments
        return function(**_gathered(asked, records, given))

    lines = [f"    {one.parameter.name}: {_description(one.parameter)}" for one in asked]
    called.__doc__ = "\n".join([inspect.getdoc(function) or "", "", "Args:", *lines])
    # what Prefect and pydantic look at; the attribute is how Python itself marks such functions
    called.__signature__ = signature  # type: ignore[attr-defined]
    called.__annotations__ = {one.parameter.name: one.parameter.annotation for one in asked}
    return called


def _asked(parameter: inspect.Parameter, hint: Any) -> Iterator[Asked]:
    """The fields that one parameter of the function asks for."""
    if not is_dataclass(hint):
        yield Asked(parameter=_field(parameter.name, hint, parameter.default), record="")
        return
    types = get_type_hints(hint, include_extras=True)
    for one in fields(hint):
        default = _default(one, parameter.default)
        yield Asked(parameter=_field(one.name, types[one.name], default), record=parameter.name)


def _field(name: str, hint: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=hint, default=default)


def _default(one: Field[Any], example: Any) -> Any:
    """What a field is when the form leaves it out: what the flow's own default record has, or what all have."""
    if example is not inspect.Parameter.empty:
        return getattr(example, one.name)
    if one.default_factory is not MISSING:
        return one.default_factory()
    return inspect.Parameter.empty if one.default is MISSING else one.default


def _gathered(asked: list[Asked], records: Records, values: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of the function: records put together, single values as they are."""
    filled: dict[str, dict[str, Any]] = {name: {} for name in records}
    single = {}
    for one in asked:
        name = one.parameter.name
        value = values.get(name, one.parameter.default)
        if one.record:
            filled[one.record][name] = value
        else:
            single[name] = value
    return single | {name: record(**filled[name]) for name, record in records.items()}


def _description(parameter: inspect.Parameter) -> str:
    for one in get_args(parameter.annotation)[1:]:
        if isinstance(one, FieldInfo) and one.description:
            return one.description
    raise TypeError(f"the type of {parameter.name} has no description for the form")


def _release() -> str | None:
    """What Prefect shows as a flow's version: the release it belongs to; of a mere checkout nobody knows it."""
    try:
        return version("synapse-storage")
    except PackageNotFoundError:
        return None
