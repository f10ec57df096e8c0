"""The DuckDB adapter; the only home of duckdb. Used from one thread."""
