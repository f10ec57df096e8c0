"""`make mutants`: plants every fault in turn and prints who noticed; exit code 1 when a watchman slept."""

import sys

from tests.mutants.faults import PLANTED
from tests.mutants.planting import who_notices


def main(words: list[str]) -> int:
    """Plant all faults, or those whose description has one of these words in it."""
    slept = False
    for fault in PLANTED:
        title = f"{fault.harm}: {fault.how}"
        if words and not any(word in title for word in words):
            continue
        noticed = who_notices(fault)
        slept |= bool(noticed.asleep)
        print(f"{title} ({fault.path})")
        for test in noticed.red:
            print(f"    red: {test}")
        for watchman in noticed.asleep:
            print(f"    NOTHING RED in {watchman}")
        sys.stdout.flush()
    return 1 if slept else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
