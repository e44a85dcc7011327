"""Make the committed tables: ``python benchmarks/studies.py [NAME ...]``, or ``make atlas``."""

import argparse

import longevity
import training

from emt import atlas
from emt.atlas import Study
from emt.sweep import one_thread

SEEDS = range(20)
QUALITY = {"angle_error": 0.0, "accuracy_200": 1e-4, "accuracy_1000": 1e-3}
STUDIES = {
    "training": Study(
        training.quality,
        [{"network": name, "seed": seed} for name in training.NETWORKS for seed in SEEDS],
        QUALITY,
        ("network",),
        timed=True,
    ),
    "training_arithmetic": Study(
        training.arithmetic, [{"network": name} for name in training.NETWORKS], timed=True
    ),
    "training_ideas": Study(
        training.idea,
        [{"name": name, "seed": seed} for seed in range(5) for name in training.IDEAS],
        {"angle_error": 0.0},
        ("name",),
        timed=True,
    ),
    "training_first_use": Study(
        training.first_use, [{"what": what} for what in ("class", "function")], timed=True
    ),
    "training_published": Study(
        training.published, [{"seed": seed} for seed in range(3)], timed=True
    ),
    "longevity": Study(
        longevity.memory,
        [{"seed": seed} for seed in SEEDS],
        {"angle_error": 1e-13, "accuracy": 1e-3},
        timed=True,
    ),
}


def main() -> None:
    """Build the studies that were asked for and write their tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(STUDIES))
    names = parser.parse_args().names or list(STUDIES)
    if unknown := set(names) - set(STUDIES):
        parser.error(f"no such study: {', '.join(sorted(unknown))}")
    one_thread()
    for name in names:
        rows = atlas.build(STUDIES[name], name)
        path = atlas.write(name, rows, f'make atlas STUDIES="{name}"')
        print(f"{path}: {len(rows)} rows", flush=True)


if __name__ == "__main__":
    main()
