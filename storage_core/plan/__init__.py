"""Decisions: records in, records out. No I/O, no clock, no randomness."""
