"""What a demo ends with: the audit, errors of the state of charge, latencies and times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from soclab_simulators.demo.audit import Audit


def as_json(
    audit: Audit,
    soc: Mapping[str, Mapping[str, float | None]],
    latency_s: Mapping[str, float | None],
    **others: Any,
) -> dict[str, Any]:
    """Return the one line of JSON, as a dictionary."""
    return {
        **audit._asdict(),
        "soc": {method: dict(errors) for method, errors in soc.items()},
        "latency_s": dict(latency_s),
        **others,
    }


def as_text(result: Mapping[str, Any]) -> str:
    """Return the same for people."""
    lines = [
        f"{result['accepted']:,} readings accepted, {result['stored']:,} stored, "
        f"{result['lost']} lost, {result['duplicated']} duplicated"
        + (f", {result['waiting']} waiting in the spool" if result["waiting"] else "")
    ]
    lines += [f"state of charge by {m}: {_errors(e)}" for m, e in result["soc"].items()]
    p50, p99 = result["latency_s"]["p50"], result["latency_s"]["p99"]
    if p50 is not None:
        lines.append(f"from reading to stored: {p50:.2f} s median, {p99:.2f} s for 99 % of them")
    if result["first_reading_s"] is not None:
        lines.append(f"first reading stored {result['first_reading_s']:.1f} s after the start")
    return "\n".join(lines)


def _errors(errors: Mapping[str, float | None]) -> str:
    ended = f"{errors['soc_pct']:.2f} ± {errors['sigma_pct']:.2f} % at the end"
    if errors["rmse_pct"] is None:
        return ended
    return (
        f"{errors['rmse_pct']:.2f} % root mean square error, {errors['max_error_pct']:.2f} % at "
        f"most; {ended}, wrong by {errors['final_error_pct']:+.2f} %"
    )


def is_clean(result: Mapping[str, Any]) -> bool:
    """Tell whether there were readings, none lost and none duplicated."""
    return bool(result["accepted"]) and not result["lost"] and not result["duplicated"]
