"""How long a memory lasts whose weights were fitted to the task's impulse response."""

import time

import emt
from emt import spectrum
from emt.beyond.fitting import identify, rescaled
from emt.training.recipes import before_fitting

STEP = 1_000_000


def memory(seed: int, sequences: int = 16) -> dict:
    """Train, fit, and run the tanh network to step 1,000,000."""
    task = emt.repeat_copy(16, 5)
    began = time.perf_counter()
    start = emt.train(task, before_fitting(task.s, seed=seed), progress=False).network
    trained = time.perf_counter()
    fitted = identify(task, start, progress=False)
    done = time.perf_counter()
    quiet = rescaled(fitted.network, 1e-9)
    errors = [float(spectrum.compare(w, task).angle_error.mean()) for w in (start, fitted.network)]
    return {
        "seconds_adam": trained - began,
        "seconds_fit": done - trained,
        "steps": len(fitted.path) - 1,
        "angle_error_adam": errors[0],
        "angle_error": errors[1],
        "residual": fitted.residual[-1],
        "accuracy": emt.accuracy_around(quiet, task, STEP, sequences=sequences).value,
    }
