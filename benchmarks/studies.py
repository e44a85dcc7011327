"""Make the committed tables: ``python benchmarks/studies.py [NAME ...]``, or ``make atlas``."""

import argparse
from pathlib import Path

import alignment
import all_networks
import authors
import foreign
import longevity
import memories
import networks
import nonlinear
import nulls
import overwriting
import peers
import scale
import study
import training
import verdicts
from study import Study

from emt.training.recipes import QUICK
from emt.workshop.parallel import one_thread

SEEDS = range(20)
NETWORKS = [{"write_scale": a, "seed": seed} for a in memories.SCALES for seed in SEEDS]
STUDIES = {
    "training": Study(
        training.quality,
        [
            {"network": name, "seed": seed}
            for name, (_, config) in training.NETWORKS.items()
            for seed in (range(200) if config in QUICK.values() else SEEDS)
        ],
        timed=("seconds",),
        within=0.15,
    ),
    # Learning by others in turn with ours; JAX is not in the environment.
    "peers": Study(
        peers.pair,
        [{"network": name, "way": way} for name in peers.TASKS for way in peers.WAYS],
        timed=("seconds_ours", "seconds", "ratio", "seconds_compiling"),
        slow=True,
    ),
    "cold": Study(
        peers.cold,
        [{"network": name} for name in peers.TASKS],
        timed=("seconds", "slowest"),
        once={"runs": 1},
    ),
    "training_arithmetic": Study(
        training.arithmetic,
        [{"network": name} for name in training.NETWORKS],
        timed=("product_rate", "seconds_at_that_rate", "seconds", "fraction"),
        once={"runs": 1},
    ),
    "training_ideas": Study(
        training.idea,
        [{"name": name, "seed": seed} for seed in range(5) for name in training.IDEAS],
        timed=("seconds",),
        steady="reached == 1 and not name.str.contains('rates|the same')",
    ),
    # Minutes at the largest size.
    "scale": Study(
        scale.opened,
        [{"H": H} for H in scale.SIZES],
        {"apart": 1e-8},
        timed=("seconds_ours", "seconds_textbook", "ratio", "matrices"),
        steady="H <= 256",
        once={"runs": 1},
    ),
    # Twenty thousand updates each: too long to be computed again with every change.
    "training_published": Study(
        training.published,
        [{"seed": seed} for seed in range(3)],
        timed=("seconds_ours", "seconds_published", "ratio"),
        slow=True,
    ),
    # A million steps a row; the chapter compares its own run with the table.
    "longevity": Study(
        longevity.memory,
        [{"seed": seed} for seed in SEEDS],
        {"angle_error": 1e-12, "residual": 1e-14},
        timed=("seconds_adam", "seconds_fit"),
        slow=True,
    ),
    # What is predicted of lifetimes is computed, and committed, before what is measured.
    "lifetimes_predicted": Study(memories.predicted, NETWORKS, steady="0.2 <= write_scale <= 0.5"),
    "lifetimes": Study(memories.measured, NETWORKS, steady="0.2 <= write_scale <= 0.5"),
    "faithfulness": Study(
        memories.edited,
        [
            {"basis": basis, "alpha": alpha, "write_scale": scale, "seed": seed}
            for scale in (0.03, 0.3)
            for basis, alpha in memories.BASES
            for seed in SEEDS
        ],
        steady="efficacy > 0.9 and wrap_error > 0.002",
    ),
    "alignment": Study(
        alignment.learned,
        [
            {"what": what, "dimensions": dimensions, "seed": seed}
            for what in alignment.WHAT
            for dimensions in (5, 20, 80)
            for seed in range(5)
        ],
        timed=("core_seconds",),
        steady="what == 'trained'",
    ),
    "rest": Study(
        alignment.rest,
        [{"write_scale": scale, "seed": seed} for scale in (0.03, 0.3) for seed in SEEDS],
    ),
    "small_activity": Study(
        memories.small,
        [
            {"s": s, "write_scale": scale, "seed": seed}
            for s, seeds in {16: SEEDS, 8: range(5), 4: range(5)}.items()
            for scale in memories.SCALES
            for seed in seeds
        ],
        steady="wrap < inf and 1e-3 < activity and write_scale < 1",
    ),
    "overwriting": Study(
        overwriting.learned,
        [
            {"rule": rule, "training": how, "seed": seed}
            for rule in overwriting.RULES
            for how in overwriting.trainings(rule)
            for seed in range(5)
        ],
        within=0.15,
        # And of these the smallest networks, which a test can train again.
        steady="rule == 'repeat copy, kappa = 3' and training == 'permutation'",
    ),
    # Twenty thousand updates each: too long to be computed again with every change.
    "overwriting_published": Study(
        overwriting.learned,
        [{"rule": "compose copy", "training": "published", "seed": seed} for seed in range(3)],
        slow=True,
    ),
    # Of the other chapters, a row takes a minute.
    "nulls": Study(
        nulls.outcome, nulls.ARGUMENTS, steady="claim.str.contains('algorithm1|figure3|rules')"
    ),
    # All chapters for up to twenty seeds: an hour.
    "spread": Study(nulls.spread, nulls.SPREAD, slow=True),
    # Gradient descent on a GRU parts two machines, and the authors' recipe takes minutes.
    "foreign": Study(
        foreign.outcome,
        [
            {"network": name, "seed": seed}
            for name in foreign.NETWORKS
            for seed in range(foreign.SEEDS.get(name, 3))
        ],
        slow=True,
    ),
    # Criteria were set on seeds below 100.
    "verdicts": Study(
        verdicts.outcome,
        [{"made": made, "seed": seed} for made in verdicts.MADE for seed in range(100, 116)],
        steady="told and known.isin(['linear variable memories', 'overwriting variable memories'])"
        " and made.str.startswith('planted')",
    ),
    # From committed weights.
    "authors": Study(
        authors.opened,
        [
            {"network": name, "seed": seed}
            for name in all_networks.TASKS
            for seed in all_networks.SEEDS
        ],
    ),
    # One factor at a time; of those that have learned, two machines agree.
    "networks": Study(
        networks.network,
        networks.NETWORKS,
        {"random directions": 0.015},  # a share of few bits
        steady="failure == 'none' and factor.isin(['none', 'write_scale'])"
        " and `random directions` > 0.021",
        within=0.15,
    ),
    "sizes": Study(networks.sized, networks.SIZES, steady="accuracy > 0.999"),
    # Up to twenty thousand updates each.
    "starts": Study(networks.started, networks.STARTS, slow=True),
    "linear": Study(
        nonlinear.learned,
        [
            {"setting": setting, "linear": linear, "seed": seed}
            for setting in nonlinear.SETTINGS
            for linear in (True, False)
            for seed in range(5)
        ],
        steady="setting.str.contains('orthogonal')",
    ),
}


def main() -> None:
    """Build the studies that were asked for and write their tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(STUDIES))
    parser.add_argument("--folder", type=Path, help="where finished rows wait for the others")
    parser.add_argument("--scheduler", help="of a Dask cluster that computes the rows")
    given = parser.parse_args()
    names = given.names or list(STUDIES)
    if unknown := set(names) - set(STUDIES):
        parser.error(f"no such study: {', '.join(sorted(unknown))}")
    one_thread()
    for name in names:
        folder = None if given.folder is None else given.folder / name
        rows = study.build(STUDIES[name], name, folder, given.scheduler)
        path = study.write(name, rows, f'make atlas STUDIES="{name}"')
        print(f"{path}: {len(rows)} rows", flush=True)


if __name__ == "__main__":
    main()
