"""Places that take and give bytes: one adapter per kind of storage, all behind `ports.transfers.ByteStore`."""
