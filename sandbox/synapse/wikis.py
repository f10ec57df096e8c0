"""Wiki pages of entities, as far as a reader of their attachments sees them: the tree, and each page's handles.

Pages are made by `Wikis.add`, not by calls: the sandbox has no editor.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.synapse.access import Right
from sandbox.synapse.http import Answer, Base, Call, Handler, Json, Refused, Route, Scope

if TYPE_CHECKING:
    from sandbox.synapse.entities import Entity
    from sandbox.synapse.world import World

_PAGE_OF_HEADERS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class WikiPage:
    """One page: its place in the owner's tree, and the handles attached to it."""

    id: str
    owner_id: str
    title: str
    parent_id: str | None
    attachments: tuple[str, ...]

    def as_header(self) -> Json:
        """The page as a tree of headers shows it."""
        return {"id": self.id, "title": self.title, "parentId": self.parent_id}


class Wikis:
    """Every wiki page, by the entity that owns it."""

    def __init__(self) -> None:
        self._pages: dict[str, list[WikiPage]] = {}

    def add(self, world: "World", owner_id: str, title: str, attachments: tuple[str, ...]) -> WikiPage:
        """Add a page below the owner's first one, or as its first one."""
        pages = self._pages.setdefault(owner_id, [])
        page = WikiPage(
            id=str(world.ids.number("wiki")),
            owner_id=owner_id,
            title=title,
            parent_id=pages[0].id if pages else None,
            attachments=attachments,
        )
        pages.append(page)
        return page

    def of(self, owner_id: str) -> list[WikiPage]:
        """The owner's pages, the first one first; refuses with 404 when there is no wiki."""
        pages = self._pages.get(owner_id)
        if not pages:
            raise Refused(404, f"No wiki root could be found for ownerId: {owner_id} ownerType: ENTITY")
        return pages


def _owner(world: "World", call: Call) -> "Entity":
    entity = world.entities.require(call.path["id"])
    world.access.require(world, call.user, entity.id, Right.READ)
    return entity


def _tree(world: "World", call: Call) -> Answer:
    pages = world.wikis.of(_owner(world, call).id)
    start = int(call.query.get("offset", "0"))
    shown = pages[start : start + min(int(call.query.get("limit", "10")), _PAGE_OF_HEADERS)]
    return Answer(json={"results": [page.as_header() for page in shown], "totalNumberOfResults": len(pages)})


def _attachments(world: "World", call: Call) -> Answer:
    pages = {page.id: page for page in world.wikis.of(_owner(world, call).id)}
    page = pages.get(call.path["wiki"])
    if page is None:
        raise Refused(404, f"Wiki page {call.path['wiki']} was not found")
    return Answer(json={"list": [world.handles.require(one).as_json() for one in page.attachments]})


def _route(template: str, handler: Handler) -> Route:
    return Route(base=Base.REPO, method="GET", template=template, handler=handler, scopes=(Scope.VIEW,))


ROUTES = (
    _route("/entity/{id}/wikiheadertree2", _tree),
    _route("/entity/{id}/wiki2/{wiki}/attachmenthandles", _attachments),
)
