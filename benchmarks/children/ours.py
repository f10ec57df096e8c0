"""Our command line as it is, except that the limiter's window may have another length.

First argument: seconds of the throttle's window; then the words of the command. A limiter that keeps 600 calls in
61 s would trip a window of 6 s, so it gets the same scale as the sandbox's throttle.
"""

import functools
import sys

from storage_core import wiring
from storage_core.cli.main import main
from storage_core.synapse.limiter import CallLimiter

SERVICE_WINDOW_SECONDS = 60.0

window_seconds = float(sys.argv.pop(1))
if window_seconds != SERVICE_WINDOW_SECONDS:
    # the product's margin of one second a minute, scaled alike
    scaled = functools.partial(CallLimiter, window_seconds=window_seconds * 61 / 60)
    vars(wiring)["CallLimiter"] = scaled
main()
