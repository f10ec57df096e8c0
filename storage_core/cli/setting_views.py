"""A tree of containers with what governs each, as a table and as a document."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from storage_core.model.upload_settings import TreeNode
from storage_core.reports.wording import plain_text

if TYPE_CHECKING:
    from rich.table import Table


def tree_view(nodes: Sequence[TreeNode]) -> "Table":
    """One container a row, indented; and at the end the files by where *new* ones would go."""
    from rich.table import Table  # late: keeps --help fast
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bright_black")
    for heading in ("Container", "Id", "Files", "New uploads go to", "Set on"):
        table.add_column(heading, justify="right" if heading == "Files" else "left")
    for node in nodes:
        table.add_row(
            Text("  " * node.depth + plain_text(node.container.name)),
            node.container.id,
            "?" if node.file_count is None else f"{node.file_count:,}",
            ", ".join(str(location) for location in node.location_ids),
            _set_on(node),
        )
    for location, files in files_by_location(nodes).items():
        table.add_row("", "", f"{files:,}", str(location), "in all")
    return table


def tree_document(nodes: Sequence[TreeNode]) -> dict[str, Any]:
    """The same for programs."""
    return {
        "containers": [
            {
                "id": node.container.id,
                "name": node.container.name,
                "type": node.container.kind,
                "parent_id": node.parent_id,
                "depth": node.depth,
                "storage_location_ids": [int(location) for location in node.location_ids],
                "from": node.origin_id,
                "files": node.file_count,
                "trouble": node.trouble,
            }
            for node in nodes
        ],
        "files_by_storage_location": {str(location): files for location, files in files_by_location(nodes).items()},
    }


def files_by_location(nodes: Sequence[TreeNode]) -> dict[int, int]:
    """How many files lie in containers whose new uploads go to each location; most first."""
    counted: Counter[int] = Counter()
    for node in nodes:
        counted[int(node.location_ids[0])] += node.file_count or 0
    return dict(counted.most_common())


def _set_on(node: TreeNode) -> str:
    if node.origin_id is None:
        return "nowhere: Synapse's default"
    return "itself" if node.origin_id == node.container.id else node.origin_id
