"""Python imports this at start-up in every process that inherits the tests' PYTHONPATH."""

import loopback_guard

loopback_guard.install()
