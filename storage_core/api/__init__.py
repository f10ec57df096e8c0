"""The Python interface: storage locations, projects and folders as objects (design section 9)."""
