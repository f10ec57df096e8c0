"""Where ports meet their adapters: what a migration, transfers and storage settings are made of."""
