"""Every REST call the sandbox answers, family by family."""

from sandbox.synapse import (
    activities,
    annotations,
    bundles,
    children,
    entity_reads,
    entity_writes,
    external_handles,
    handle_routes,
    jobs,
    locations,
    messages,
    multipart_routes,
    people,
    permissions,
    restores,
    settings,
    sts,
    tables_routes,
    upload_destinations,
    wikis,
)
from sandbox.synapse.http import Route

FAMILIES = (
    activities,
    annotations,
    bundles,
    children,
    entity_reads,
    entity_writes,
    external_handles,
    handle_routes,
    jobs,
    locations,
    messages,
    multipart_routes,
    people,
    permissions,
    restores,
    settings,
    sts,
    tables_routes,
    upload_destinations,
    wikis,
)


def all_routes() -> list[Route]:
    """The calls of all families."""
    return [route for family in FAMILIES for route in family.ROUTES]
