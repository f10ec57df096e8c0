"""The Synapse half of the sandbox: its records and its REST calls."""
