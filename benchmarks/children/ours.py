"""Our command line as it is, except that the limiter's window may have another length.

First argument: seconds of the throttle's window; then the words of the command. A limiter that keeps 600 calls in
60 s would trip a window of 6 s, so it gets the same scale as the sandbox's throttle. Latency is not scaled, so what is
lost to it weighs more in a shorter window.
"""

import functools
import sys

from storage_core.cli.main import main
from storage_core.synapse.limiter import CallLimiter
from storage_core.wiring import migration as wiring

SERVICE_WINDOW_SECONDS = 60.0

window_seconds = float(sys.argv.pop(1))
if window_seconds != SERVICE_WINDOW_SECONDS:
    scaled = functools.partial(CallLimiter, window_seconds=window_seconds)
    vars(wiring)["CallLimiter"] = scaled
main()
