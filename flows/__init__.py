"""Prefect flows: names, parameters and the order of tasks. No rule of the domain lives here."""
