"""Where the bytes of a Synapse project live: declare it, use it, move it, prove it. Works without Prefect."""
