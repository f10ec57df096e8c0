"""Benchmarks: us and the existing client side by side, in the sandbox. One benchmark is one file and one line here."""

from collections.abc import Mapping

from benchmarks.budget import BUDGET
from benchmarks.cells_distinct import CELLS_DISTINCT
from benchmarks.cells_index import CELLS_INDEX
from benchmarks.cells_shared import CELLS_SHARED
from benchmarks.cpu import CPU
from benchmarks.index_view import INDEX_VIEW
from benchmarks.large_files import LARGE_FILES
from benchmarks.mixed import MIXED
from benchmarks.orchestration import ORCHESTRATION
from benchmarks.registry import Benchmark
from benchmarks.scale import SCALE
from benchmarks.selection import SELECTION
from benchmarks.small_latest import SMALL_LATEST
from benchmarks.small_new import SMALL_NEW
from benchmarks.transfers import TRANSFERS
from benchmarks.versions import VERSIONS

_ALL = (
    SMALL_NEW,
    SMALL_LATEST,
    INDEX_VIEW,
    VERSIONS,
    CELLS_DISTINCT,
    CELLS_INDEX,
    CELLS_SHARED,
    LARGE_FILES,
    MIXED,
    BUDGET,
    CPU,
    SELECTION,
    SCALE,
    ORCHESTRATION,
    TRANSFERS,
)

BENCHMARKS: Mapping[str, Benchmark] = {benchmark.name: benchmark for benchmark in _ALL}
