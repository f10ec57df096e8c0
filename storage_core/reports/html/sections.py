"""The page's sections, each from the figures alone."""

from collections.abc import Sequence

from storage_core.model.copies import ProofRung
from storage_core.model.items import ItemStatus, ReasonClass
from storage_core.model.plans import StatusCount
from storage_core.reports.figures import FAILURES_SHOWN, TROUBLED, Failure, Figures
from storage_core.reports.html.bands import flow_picture
from storage_core.reports.html.charts import Band, Slice, share_bar, small_bar
from storage_core.reports.html.markup import Child, Markup, name_of, tag
from storage_core.reports.html.tables import definitions, numbers, table, words
from storage_core.reports.html.timeline import timeline
from storage_core.reports.report import RunFacts
from storage_core.reports.verdict import EXIT_MEANINGS
from storage_core.reports.wording import (
    count_text,
    counted,
    location_text,
    moment_text,
    reason_of,
    share_text,
    size_text,
)

STATUS_MEANINGS: dict[ItemStatus, str] = {
    ItemStatus.MIGRATED: "refers to a proven new handle, read back",
    ItemStatus.ALREADY_MIGRATED: "was at the destination when indexed",
    ItemStatus.INDEXED: "in scope, waiting",
    ItemStatus.SKIPPED: "cannot or must not be moved",
    ItemStatus.DRIFTED: "changed by someone since; left alone",
    ItemStatus.ERRORED: "failed; see the reasons",
    ItemStatus.ROLLED_BACK: "refers to its old handle again",
}
RUNG_MEANINGS: dict[ProofRung, str] = {
    ProofRung.PART_ETAG: "The ETag of the single copied part is the MD5 that Synapse recorded for the source.",
    ProofRung.ALIGNED_ETAG: "Copied with the source's own part boundaries, and the two objects' ETags agree.",
    ProofRung.CHECKSUM: "S3's own checksums of source and copy agree.",
    ProofRung.HASHED: "The bytes streamed through the tool and were hashed on the way; the MD5 is the recorded one.",
    ProofRung.REREAD: "The new object was read once, whole, and its MD5 is the recorded one.",
    ProofRung.STRUCTURAL: "S3 copied every range, contiguous and complete, each conditional on the source's ETag;"
    " the size is right. The bytes were not hashed again.",
}


def section(title: str, lead: Child, *children: Child) -> Markup:
    """A headed block."""
    return tag("section", tag("h2", title), tag("p", lead, class_="lead") if lead else None, *children)


def facts_section(figures: Figures, facts: RunFacts) -> Markup:
    """Who, what, when: what identifies this migration."""
    settings = figures.settings
    sources = ", ".join(location_text(location) for location in settings.source_location_ids)
    return section(
        "The migration",
        None,
        definitions(
            [
                ("Started from", ", ".join(settings.roots)),
                ("Destination storage location", location_text(settings.destination)),
                ("Source storage locations", sources or "all"),
                ("File version strategy", str(settings.strategy)),
                ("Files attached to tables", "included" if settings.include_tables else "not included"),
                ("Items", count_text(figures.items)),
                ("Plan confirmed", figures.confirmation or facts.plan_hash),
                ("Synapse calls spent", None if facts.calls is None else count_text(facts.calls)),
                ("Exit code", _exit_text(facts)),
                ("Index as of", moment_text(figures.as_of)),
                ("Report made", moment_text(facts.made_at)),
            ]
        ),
    )


def status_section(figures: Figures) -> Markup:
    """A tile per status, and a bar of their shares."""
    slices = [
        Slice(
            class_name=f"is-{status.lower()}",
            size=figures.items_with(status),
            title=f"{status}: {counted(figures.items_with(status), 'item')}",
        )
        for status in STATUS_MEANINGS
    ]
    return section(
        "Items by status",
        "An item is one place that refers to a file: a file version, or a table cell. Each is counted exactly once.",
        tag("div", *(_tile(figures, status) for status in _tiled(figures)), class_="tiles"),
        share_bar("Shares: " + "; ".join(slice_.title for slice_ in slices if slice_.size), slices),
    )


def locations_section(figures: Figures) -> Markup:
    """Where the bytes lay, and lie."""
    bands = [
        Band(
            left=location_text(flow.before_id),
            right=location_text(flow.after_id),
            size=flow.size_bytes,
            title="",
        )
        for flow in figures.flows
        if flow.size_bytes > 0
    ]
    return section(
        "Bytes by storage location",
        "Distinct file handles that the items referred to when they were indexed, and refer to now."
        " A handle used in many places counts once. Old objects stay where they are.",
        flow_picture("Bytes by storage location, before and now; the table below has the numbers", bands)
        if bands
        else None,
        table(
            "Storage locations before and now",
            [
                words("Storage location"),
                numbers("Handles before"),
                numbers("Bytes before"),
                numbers("Handles now"),
                numbers("Bytes now"),
            ],
            [
                (
                    location_text(location.location_id),
                    count_text(location.handles_before),
                    size_text(location.bytes_before),
                    count_text(location.handles_after),
                    size_text(location.bytes_after),
                )
                for location in figures.locations
            ],
        ),
    )


def proofs_section(figures: Figures) -> Markup | None:
    """How the migrated items' bytes were proven; nothing when nothing was migrated."""
    migrated = figures.items_with(ItemStatus.MIGRATED)
    if migrated == 0:
        return None
    by_rung = {proof.rung: proof for proof in figures.proofs}
    known = [rung for rung in RUNG_MEANINGS if rung in by_rung]
    unknown = [rung for rung in by_rung if rung not in set(ProofRung)]
    rungs: list[tuple[str, str]] = [(rung, RUNG_MEANINGS[rung]) for rung in known] + [(rung, "") for rung in unknown]
    return section(
        "How the bytes were proven",
        "No reference was changed before the copy behind it was proven. Strongest proof first.",
        table(
            f"{counted(migrated, 'migrated item')} by proof",
            [words("Proof"), words("What it shows"), numbers("Items"), numbers("Bytes"), numbers("Share")],
            [
                (
                    tag("code", rung),
                    meaning,
                    count_text(by_rung[rung].items),
                    size_text(by_rung[rung].size_bytes),
                    tag("span", share_text(by_rung[rung].items, migrated), small_bar(by_rung[rung].items, migrated)),
                )
                for rung, meaning in rungs
            ],
        ),
    )


def reasons_section(figures: Figures) -> Markup | None:
    """Everything that was not migrated, by reason, with what to do; nothing when there is none."""
    counts = [count for count in figures.counts if count.reason is not None and count.items]
    if not counts:
        return None
    order = list(ItemStatus)[::-1]
    counts.sort(key=lambda count: (order.index(count.status), -count.items))
    return section(
        "What was not migrated, and why",
        "Retryable: a later run may cure it. Needs a person: somebody must act first."
        " Never works: left as it is, rightly or because the service refuses.",
        table(
            "Items by reason",
            [words("Reason"), words("Status"), words("Who can cure it"), words("What to do"), numbers("Items"),
             numbers("Bytes")],
            [_reason_row(count) for count in counts],
        ),
    )  # fmt: skip


def failures_section(figures: Figures, facts: RunFacts) -> Markup | None:
    """Each failed or drifted item, up to a thousand; nothing when there is none."""
    total = figures.items_with(*TROUBLED)
    if total == 0:
        return None
    lead = "Items that failed, then items that somebody changed after indexing."
    if total > len(figures.failures):
        where = facts.see_also or "the CSV log or the Parquet export"
        lead += f" The first {count_text(FAILURES_SHOWN)} of {count_text(total)}; {where} has all of them."
    return section(
        "Items that need attention",
        lead,
        table(
            f"{counted(len(figures.failures), 'item')} shown",
            [words("Entity"), words("Name"), words("Place"), words("Status"), words("Reason"), words("Detail"),
             numbers("Size")],
            [_failure_row(failure) for failure in figures.failures],
        ),
    )  # fmt: skip


def copies_section(figures: Figures) -> Markup | None:
    """The copies behind the items, by engine."""
    if not figures.copies:
        return None
    return section(
        "Copies",
        "Each distinct file handle was copied once, however many items refer to it.",
        table(
            "Copies by engine and status",
            [words("Engine"), words("Status"), numbers("Copies"), numbers("Parts"), numbers("Bytes")],
            [
                (copy.engine or "none yet", copy.status, count_text(copy.copies), count_text(copy.parts),
                 size_text(copy.size_bytes))
                for copy in figures.copies
            ],
        ),
    )  # fmt: skip


def timeline_section(figures: Figures) -> Markup | None:
    """When what happened."""
    if not figures.events and not figures.progress:
        return None
    return section(
        "Timeline",
        "From the index's own journal. All times are UTC.",
        timeline(figures.progress, figures.events),
        table(
            "Events",
            [words("Time"), words("Event"), words("Detail")],
            [
                (moment_text(event.recorded_at), event.event, tag("span", event.detail, class_="detail"))
                for event in figures.events
            ],
        )
        if figures.events
        else None,
    )


def settings_section(figures: Figures) -> Markup | None:
    """The settings and facts the index keeps, as it keeps them."""
    if not figures.facts:
        return None
    return section(
        "Settings kept in the index",
        "Bound to the index file: another migration cannot be mixed into it.",
        table(
            "Settings",
            [words("Name"), words("Value")],
            [(name, tag("span", value, class_="code")) for name, value in figures.facts],
        ),
    )


def _exit_text(facts: RunFacts) -> str | None:
    return None if facts.exit_code is None else f"{int(facts.exit_code)}: {EXIT_MEANINGS[facts.exit_code]}"


def _tiled(figures: Figures) -> list[ItemStatus]:
    """Every status, but the rare one only when there are such items."""
    rare = {ItemStatus.ROLLED_BACK}
    return [status for status in STATUS_MEANINGS if status not in rare or figures.items_with(status)]


def _tile(figures: Figures, status: ItemStatus) -> Markup:
    items = figures.items_with(status)
    return tag(
        "div",
        tag("span", str(status), class_="word"),
        tag("b", count_text(items)),
        tag("span", f"{size_text(figures.bytes_with(status))} · {share_text(items, figures.items)} of items"),
        tag("span", STATUS_MEANINGS[status]),
        class_=f"tile is-{status.lower()}" + ("" if items else " none"),
    )


def _reason_row(count: StatusCount) -> Sequence[Child]:
    reason = reason_of(count.reason)
    return (
        tag("code", str(count.reason)),
        _badge(str(count.status)),
        str(reason.kind) if reason else None,
        _advice(count.status, reason.sentence if reason else "", reason.kind if reason else None),
        count_text(count.items),
        size_text(count.size_bytes),
    )


def _advice(status: ItemStatus, sentence: str, kind: ReasonClass | None) -> str:
    if status is ItemStatus.ERRORED and kind is ReasonClass.RETRYABLE:
        return f"{sentence} Command: synapse-storage retry."
    return sentence


def _failure_row(failure: Failure) -> Sequence[Child]:
    return (
        tag("code", failure.entity_id),
        name_of(failure.name),
        name_of(failure.place),
        _badge(failure.status),
        tag("code", failure.reason) if failure.reason else None,
        tag("span", failure.detail, class_="detail") if failure.detail else None,
        "unknown" if failure.size_bytes is None else size_text(failure.size_bytes),
    )


def _badge(status: str) -> Markup:
    kind = {"ERRORED": "bad", "DRIFTED": "warn"}.get(status, "calm")
    return tag("span", status, class_=f"badge {kind}")
