"""HTML that cannot be forgotten to be escaped: text is escaped unless a `tag` made it.

Names in Synapse are chosen by strangers; this is the only place that turns text into markup.
"""

from html import escape

from storage_core.reports.wording import plain_text


class Markup(str):
    """Finished markup; only `tag`, `text`, `joined` and constants of ours make it."""

    __slots__ = ()


Child = str | Markup | None


def text(value: str) -> Markup:
    """Text as markup that shows exactly that text."""
    return Markup(escape(plain_text(value), quote=True))


def joined(*children: Child) -> Markup:
    """Children one after the other; None is nothing."""
    return Markup("".join(_shown(child) for child in children if child is not None))


def tag(name: str, *children: Child, **attributes: str | float | None) -> Markup:
    """One element. ``class_`` spells class, underscores become dashes, None attributes are left out."""
    spelled = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{name}{spelled}>{joined(*children)}</{name}>")


def name_of(value: str) -> Markup:
    """A name chosen by a stranger, kept from changing the reading order around it."""
    return tag("bdi", value)


def _shown(child: str | Markup) -> str:
    return child if isinstance(child, Markup) else text(child)
