"""What the interrupted sweeps compute: apart, for their workers import nothing else."""

import time


def square(n: int) -> dict:
    """Take a moment."""
    time.sleep(0.15)
    return {"square": n * n}
