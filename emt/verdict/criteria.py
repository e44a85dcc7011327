"""From what was measured to a verdict in words: the criteria, frozen before they were tested."""

import math
from typing import NamedTuple

from emt import checks
from emt.beyond.faithfulness import Faithfulness
from emt.verdict.measuring import Evidence

LINEAR = "linear variable memories"
OVERWRITING = "overwriting variable memories"
PARTLY = "partly"
NOT_FOUND = "not found"
CANNOT_TELL = "cannot tell"
VERDICTS = LINEAR, OVERWRITING, PARTLY, NOT_FOUND, CANNOT_TELL


class Criteria(NamedTuple):
    """Bounds that a verdict rests on.

    Attributes
    ----------
    does
        A network does its task if at least so many answers of the first two cycles are right.
    fails
        It does not if no more than so many are, and no component is as above.
    obeyed
        Edits are obeyed if efficacy, specificity and sufficiency are at least this.
    needed
        The memories are needed if necessity is at most this.
    beyond
        Efficacy must exceed by so much that of whatever should fail.
    some
        Efficacy from which a network holds some of its variables so.
    alike
        Least cosine of ``Phi_learned`` with the task's `Phi`.
    straight
        Least part of the next step that a linear network predicts.
    number
        Most that is heard after three tenths were exchanged, of contents that are numbers.
    bit
        Least that is heard then of contents that are bits.
    adds, replaces
        Most overwrite index of a network that adds, least of one that overwrites.
    """

    does: float = 0.95
    fails: float = 0.75
    obeyed: float = 0.95
    needed: float = 0.7
    beyond: float = 0.15
    some: float = 0.75
    alike: float = 0.9
    straight: float = 0.95
    number: float = 0.6
    bit: float = 0.75
    adds: float = 0.25
    replaces: float = 0.6


CRITERIA = Criteria()


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


def judged(evidence: Evidence, criteria: Criteria = CRITERIA) -> Verdict:
    """Return the verdict on what was measured.

    Parameters
    ----------
    evidence
        What was measured.
    criteria
        The bounds.
    """
    v, task, scores = evidence.values, evidence.task, evidence.scores
    if task is None:
        return _without_task(evidence)
    if task.s == 1:
        why = "With s = 1 there is one memory: nothing is copied from one to another."
        return Verdict(NOT_FOUND, (why,))
    said = f"{v['accuracy']:.1%} of the answers in the first two cycles are right"
    if v["accuracy_most"] <= criteria.fails and v["component"] < criteria.does:
        return Verdict(NOT_FOUND, (f"The network does not do this task: {said}.",))
    reasons = [f"{said[0].upper()}{said[1:]}."]
    own = scores.get("memories")
    if own is None:
        return _without_memories(evidence, criteria, reasons)
    rivals = {k: s.efficacy for k, s in scores.items() if k != "memories"}
    rival = max(rivals, key=rivals.get) if rivals else ""
    ahead = own.efficacy - max(rivals.values(), default=0.5)
    reasons.append(
        f"When two memories are swapped, {own.efficacy:.0%} of the outputs that should turn do "
        f"(at most {max(rivals.values(), default=0.5):.0%} in what should fail: {rival}), and "
        f"{own.specificity:.0%} of the others stay."
    )
    reasons.append(
        f"The memories alone say {own.sufficiency:.0%} right; without them {own.necessity:.0%} "
        "is left, where a half is chance."
    )
    obeyed = min(own.efficacy, own.specificity, own.sufficiency) >= criteria.obeyed
    whole = obeyed and own.necessity <= criteria.needed
    if not whole or v["accuracy_least"] < criteria.does:
        return _in_part(v, own, ahead, criteria, reasons)
    if ahead < criteria.beyond:
        reasons.append("What should fail does nearly as well, so this shows little.")
        return Verdict(CANNOT_TELL, tuple(reasons))
    if not v["Phi_cosine"] >= criteria.alike:
        reasons.append(f"But they do not interact as the task asks (cosine {v['Phi_cosine']:.2f}).")
        return Verdict(PARTLY, tuple(reasons))
    return _kind(v, criteria, reasons)


def _kind(v, criteria, reasons) -> Verdict:
    """Return which of the two kinds of memories these are."""
    index = v["index"]
    number, bit = v["dose"] <= criteria.number, v["dose"] >= criteria.bit
    if number and v["explained"] >= criteria.straight and not index > criteria.adds:
        reasons.append(
            f"Contents are numbers: exchanged in part they stay so ({v['dose']:.2f}, theory 0.4), "
            f"and the network is linear as far as it goes ({v['explained']:.3f} of a step)."
        )
        return Verdict(LINEAR, tuple(reasons))
    if bit and index >= criteria.replaces:
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


def _in_part(v, own: Faithfulness, ahead, criteria, reasons) -> Verdict:
    """Return the verdict where not all edits are obeyed, or the task is not done."""
    if own.efficacy >= criteria.some and ahead >= criteria.beyond:
        return Verdict(PARTLY, tuple(reasons))
    if v["fitted"] >= criteria.obeyed:
        reasons.append(
            f"Memories fitted to the states obey ({v['fitted']:.0%}): variables are held along "
            "fixed directions, which the linear network does not show."
        )
        return Verdict(PARTLY, tuple(reasons))
    if v["accuracy_least"] < criteria.does:
        some = v["component"] >= criteria.does
        reasons.append(
            "It does the task for some components only: ask about those alone."
            if some
            else "It does the task too badly to say more."
        )
        return Verdict(CANNOT_TELL, tuple(reasons))
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


def _without_memories(evidence: Evidence, criteria: Criteria, reasons) -> Verdict:
    """Return the verdict where the weights show no memories."""
    v, missing, network, task = (
        evidence.values,
        evidence.missing,
        evidence.network,
        evidence.task,
    )
    n = task.modes
    if network.hidden < n:
        reasons.append(
            f"It has {network.hidden} units for {n} variables: they cannot each have a direction "
            f"of their own. What different memories write has a mean cosine of {v['alike']:.2f}."
        )
        return Verdict(NOT_FOUND, tuple(reasons))
    reasons.append(next((missing[k] for k in ("linear", "memories") if k in missing), ""))
    return _in_part(v, Faithfulness(*6 * (0.0,)), 0.0, criteria, reasons)


checks.guard(globals())
