"""Whole-file locks that die with their holder: flock where there is one, a byte lock on Windows.

The operating system frees such a lock when the last descriptor of the opened file is closed, so also when a
process is killed. Neither function ever blocks.
"""

import sys

if sys.platform == "win32":
    import msvcrt
    import os

    _FAR_BYTE = 1 << 30  # beyond all content: Windows forbids reading locked bytes

    def try_lock(descriptor: int) -> bool:
        """Lock the file for this descriptor alone, or say that somebody else has it."""
        os.lseek(descriptor, _FAR_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def unlock(descriptor: int) -> None:
        """Give the lock back."""
        os.lseek(descriptor, _FAR_BYTE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def try_lock(descriptor: int) -> bool:
        """Lock the file for this descriptor alone, or say that somebody else has it."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def unlock(descriptor: int) -> None:
        """Give the lock back."""
        fcntl.flock(descriptor, fcntl.LOCK_UN)
