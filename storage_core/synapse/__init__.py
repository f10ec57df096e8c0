"""The REST adapter; the only home of httpx and tenacity."""
