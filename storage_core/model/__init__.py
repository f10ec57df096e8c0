"""Frozen records and enumerations; no behaviour beyond properties, no I/O."""
