"""Files of this machine: read, hashed, received, listed. Blocks only on threads of its own."""
