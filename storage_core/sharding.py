"""Dividing an index among machines and taking it together again; what flows may use of it."""

from storage_core.index.shards import absorb, has_shards, remove, split

__all__ = ["absorb", "has_shards", "remove", "split"]
