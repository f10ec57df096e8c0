"""The REST calls about tables and columns (contract 9)."""

from sandbox.synapse.http import Route

ROUTES: tuple[Route, ...] = ()
