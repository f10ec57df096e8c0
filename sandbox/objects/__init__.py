"""The object-storage half of the sandbox: buckets, objects, signatures."""
