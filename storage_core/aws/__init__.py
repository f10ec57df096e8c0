"""Amazon's client library, held with the user's own keys or with borrowed ones (decision 0011)."""
