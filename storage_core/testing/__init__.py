"""Fakes behind our ports: small, complete implementations for tests, never used at run time."""
