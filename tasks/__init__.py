"""Prefect tasks, one per batch and never one per file."""
