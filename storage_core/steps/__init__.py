"""Use cases over ports: claim what is pending, work on it, record what came of it."""
