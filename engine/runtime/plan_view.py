"""A plan as programs see it: one JSON shape for HTTP and the command line."""

from typing import Any

from engine.runtime.plan import Fate, Gone, Plan, ProcessPlan


def plan_view(plan: Plan) -> dict[str, Any]:
    """Gives the JSON object of a plan."""
    return {"processes": [_process(each) for each in plan.processes]}


def _process(plan: ProcessPlan) -> dict[str, Any]:
    moved = sum(each.standing for each in plan.gone if each.fate is Fate.MOVE)
    left = sum(each.standing for each in plan.gone if each.fate is Fate.STAY)
    return {
        "process": plan.process,
        "title": plan.definition.title,
        "file": plan.definition.file,
        "version": plan.version or None,
        "new_version": plan.following,
        "change": plan.change,
        "keys": list(plan.difference.keys),
        "nodes": {
            "added": list(plan.difference.added),
            "changed": {name: list(keys) for name, keys in plan.difference.changed.items()},
            "gone": [_gone(each) for each in plan.gone],
        },
        "tasks": {
            "follow": 0 if plan.keeps else plan.staying,
            "move": 0 if plan.keeps else moved,
            "stay": plan.staying + moved + left if plan.keeps else left,
        },
    }


def _gone(gone: Gone) -> dict[str, Any]:
    return {
        "node": gone.node,
        "standing": gone.standing,
        "fate": gone.fate,
        "to": gone.to or None,
        "enters": gone.is_entered,
    }
