"""What people read afterwards: one report per file."""
