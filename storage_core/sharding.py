"""Dividing an index among machines and taking it together again; what flows may use of it."""

from storage_core.index.shards import absorb, remove, split

__all__ = ["absorb", "remove", "split"]
