"""Storage location types, one per file."""
