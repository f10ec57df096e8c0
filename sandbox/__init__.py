"""A Synapse and an S3 that run on a laptop and keep the real service's rules."""
