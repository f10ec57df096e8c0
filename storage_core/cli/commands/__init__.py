"""One command per file, each a function that reads its options, calls the core and returns an exit code."""
