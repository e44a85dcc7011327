"""From what was measured to a verdict in words: the criteria, frozen before they were tested."""

import math
from typing import NamedTuple

import numpy as np

from emt import checks
from emt.beyond.faithfulness import Faithfulness
from emt.verdict.measuring import Evidence

LINEAR = "linear variable memories"
OVERWRITING = "overwriting variable memories"
PARTLY = "partly"
NOT_FOUND = "not found"
CANNOT_TELL = "cannot tell"
VERDICTS = LINEAR, OVERWRITING, PARTLY, NOT_FOUND, CANNOT_TELL


EDITS = "efficacy", "specificity", "sufficiency"
CRITERIA = {
    "does": 0.95,
    "fails": 0.75,
    "obeyed": 0.95,
    "needed": 0.7,
    "ahead": 0.15,
    "some": 0.75,
    "alike": 0.9,
    "straight": 0.95,
    "number": 0.6,
    "bit": 0.75,
    "adds": 0.25,
    "replaces": 0.6,
}
"""Bounds that a verdict rests on, by the names in `SAID`."""
SAID = {
    "does": "does the task: least accuracy (lower end of its interval)",
    "fails": "does not: most accuracy (upper end), and no component does",
    "obeyed": "edits are obeyed: least efficacy, specificity and sufficiency",
    "needed": "memories are needed: most necessity",
    "ahead": "least efficacy beyond that of whatever should fail",
    "some": "some variables are held so: least efficacy",
    "alike": "they interact as the task asks: least cosine of Phi_learned with Phi",
    "straight": "linear as far as it goes: least part of the next step predicted",
    "number": "contents are numbers: most that is heard of a part exchanged",
    "bit": "contents are bits: least that is heard of it",
    "adds": "a write adds: most overwrite index",
    "replaces": "a write replaces: least overwrite index",
}
"""What each bound asks."""


class Verdict(NamedTuple):
    """A verdict, and why.

    Attributes
    ----------
    word
        One of `VERDICTS`.
    reasons
        Sentences.
    """

    word: str
    reasons: tuple[str, ...]


def judged(evidence: Evidence) -> Verdict:
    """Return the verdict on what was measured.

    Parameters
    ----------
    evidence
        What was measured.
    """
    v, task, scores = evidence.values, evidence.task, evidence.scores
    if task is None:
        return _without_task(evidence)
    if task.s == 1:
        why = "With s = 1 there is one memory: nothing is copied from one to another."
        return Verdict(NOT_FOUND, (why,))
    said = f"{v['accuracy']:.1%} of the answers in the first two cycles are right"
    if v["accuracy_most"] <= CRITERIA["fails"] and v["component"] < CRITERIA["does"]:
        return Verdict(NOT_FOUND, (f"The network does not do this task: {said}.",))
    reasons = [f"{said[0].upper()}{said[1:]}."]
    own = scores.get("memories")
    if own is None:
        return _without_memories(evidence, reasons)
    rivals = [(score.efficacy, name) for name, score in scores.items() if name != "memories"]
    most, rival = max(rivals, default=(0.5, "chance"))
    ahead = own.efficacy - most
    reasons.append(
        f"When two memories are swapped, {own.efficacy:.0%} of the outputs that should turn do "
        f"(at most {most:.0%} in what should fail: {rival}), and "
        f"{own.specificity:.0%} of the others stay."
    )
    reasons.append(
        f"The memories alone say {own.sufficiency:.0%} right; without them {own.necessity:.0%} "
        "is left, where a half is chance."
    )
    obeyed = min(own.efficacy, own.specificity, own.sufficiency) >= CRITERIA["obeyed"]
    whole = obeyed and own.necessity <= CRITERIA["needed"]
    if not whole or v["accuracy_least"] < CRITERIA["does"]:
        return _in_part(evidence, own, ahead, reasons)
    if ahead < CRITERIA["ahead"]:
        reasons.append("What should fail does nearly as well, so this shows little.")
        return Verdict(CANNOT_TELL, tuple(reasons))
    if not v["Phi_cosine"] >= CRITERIA["alike"]:
        reasons.append(f"But they do not interact as the task asks (cosine {v['Phi_cosine']:.2f}).")
        return Verdict(PARTLY, tuple(reasons))
    return _kind(v, reasons)


def _kind(v, reasons) -> Verdict:
    """Return which of the two kinds of memories these are."""
    index = v["index"]
    number, bit = v["dose"] <= CRITERIA["number"], v["dose"] >= CRITERIA["bit"]
    if number and v["explained"] >= CRITERIA["straight"] and not index > CRITERIA["adds"]:
        reasons.append(
            f"Contents are numbers: exchanged in part they stay so ({v['dose']:.2f}, theory 0.4), "
            f"and the network is linear as far as it goes ({v['explained']:.3f} of a step)."
        )
        return Verdict(LINEAR, tuple(reasons))
    if bit and index >= CRITERIA["replaces"]:
        reasons.append(
            f"A write replaces what was there (overwrite index {index:.2f}), and contents are "
            f"bits: exchanged in part they come back whole ({v['dose']:.2f})."
        )
        return Verdict(OVERWRITING, tuple(reasons))
    reasons.append(
        "But it neither adds as a linear network does nor overwrites: overwrite index "
        f"{_number(index)}, heard after a part was exchanged {_number(v['dose'])}, part of a step "
        f"that is linear {_number(v['explained'])}."
    )
    return Verdict(PARTLY, tuple(reasons))


def _number(value: float) -> str:
    return "unknown" if math.isnan(value) else f"{value:.2f}"


def _in_part(evidence: Evidence, own: Faithfulness, ahead, reasons) -> Verdict:
    """Return the verdict where not all edits are obeyed, or the task is not done."""
    v, components = evidence.values, evidence.components
    if own.efficacy >= CRITERIA["some"] and ahead >= CRITERIA["ahead"]:
        least = CRITERIA["obeyed"]
        short = [
            f"{k} {x:.0%} below {least:.0%}"
            for k, x in zip(EDITS, own[1:4], strict=True)
            if x < least
        ]
        if own.necessity > CRITERIA["needed"]:
            short.append(f"necessity {own.necessity:.0%} above {CRITERIA['needed']:.0%}")
        if v["accuracy_least"] < CRITERIA["does"]:
            short.append(f"right answers perhaps below {CRITERIA['does']:.0%}")
        reasons.append(f"That is short of the bounds: {', '.join(short)}.")
        return Verdict(PARTLY, tuple(reasons))
    if v["fitted"] >= CRITERIA["obeyed"]:
        reasons.append(
            f"Memories fitted to the states obey ({v['fitted']:.0%}): variables are held along "
            "fixed directions, which the linear network does not show."
        )
        return Verdict(PARTLY, tuple(reasons))
    if v["accuracy_least"] < CRITERIA["does"]:
        held = np.flatnonzero(components >= CRITERIA["does"]).tolist()
        reasons.append(
            f"It does the task for components {held} only, counted from 0: ask about those, "
            f"network.channels({held}, {held})."
            if held
            else "It does the task too badly to say more."
        )
        return Verdict(CANNOT_TELL, tuple(reasons))
    if not v["fitted"] < CRITERIA["some"]:
        found = (
            "cannot be tried" if math.isnan(v["fitted"]) else f"obey in part ({v['fitted']:.0%})"
        )
        reasons.append(f"Memories fitted to the states {found}.")
        return Verdict(CANNOT_TELL, tuple(reasons))
    reasons.append("No edit has an effect of its own, in no directions that were tried.")
    return Verdict(NOT_FOUND, tuple(reasons))


def _without_task(evidence: Evidence) -> Verdict:
    """Return the verdict where no rule is known."""
    rule, missing = evidence.rule, evidence.missing
    if rule is None:
        return Verdict(CANNOT_TELL, (missing.get("linear", "No task was given."),))
    why = f"No task was given, and the impulse response says: {rule.evidence}"
    if rule.verdict == "delay line":
        return Verdict(PARTLY, (why, f"It holds its last {rule.s} inputs, and keeps none."))
    word = NOT_FOUND if rule.verdict == "nothing" else CANNOT_TELL
    return Verdict(word, (why,))


def _without_memories(evidence: Evidence, reasons) -> Verdict:
    """Return the verdict where the weights show no memories."""
    v, units, n = evidence.values, evidence.network.hidden, evidence.task.modes
    if units < n:
        reasons.append(
            f"It has {units} units for {n} variables: they cannot each have a direction "
            f"of their own. Two memories are held with a cosine of {v['same']:.2f}, in sizes "
            f"{v['unequal']:.1f} to 1."
        )
        return Verdict(NOT_FOUND, tuple(reasons))
    if evidence.linear is None:
        reasons.append(f"It has no linear network: {evidence.missing['linear']}.")
    else:
        reasons.append(
            f"No {n} modes of its linear network stand apart from the others and hold what is "
            f"written (moduli {_number(v['last'])}, then {_number(v['next'])})."
        )
    return _in_part(evidence, Faithfulness(*6 * (0.0,)), 0.0, reasons)


checks.guard(globals())
