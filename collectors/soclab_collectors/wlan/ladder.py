"""What to do about a broken network, and when: pure decisions, without clock or commands.

All times are seconds since this boot began. The wall clock decides nothing: a Pi has no
battery-backed one, and until NTP has set it, it may jump by years in either direction.

At most one reboot an hour follows from two rules, the first of which needs no memory at all:

1. A reboot needs a boot that is an hour old, so the reboot before it is at least an hour ago.
2. Within one boot an hour passes between two attempts, should the first one fail.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from soclab_collectors.wlan.config import WlanConfig

LONGEST_REBOOT_WAIT_S: Final = 86_400.0  # a router that is away for weeks costs a reboot a day


class Step(StrEnum):
    """What can be done, the gentlest first."""

    RECONNECT = "reconnect"
    RESTART_INTERFACE = "restart the interface"
    RESTART_SERVICE = "restart the service"
    REBOOT = "reboot"
    WITHHOLD = "withhold a reboot"


class Rung(NamedTuple):
    """A step and how long trouble must have lasted for it."""

    step: Step
    after_s: float


class Plan(NamedTuple):
    """When to do what."""

    rungs: tuple[Rung, ...]
    reboot_interval_s: float
    reboot: bool

    @classmethod
    def of(cls, config: WlanConfig) -> Plan:
        """Return the plan that a configuration asks for."""
        rungs = (
            Rung(Step.RECONNECT, config.reconnect_after_s),
            Rung(Step.RESTART_INTERFACE, config.restart_interface_after_s),
            Rung(Step.RESTART_SERVICE, config.restart_service_after_s),
            Rung(Step.REBOOT, config.reboot_after_s),
        )
        return cls(rungs, config.reboot_interval_s, config.reboot)

    def reboot_wait_s(self, in_vain: int) -> float:
        """Return how old a boot must be for the next reboot, after so many in vain."""
        longest_s = max(LONGEST_REBOOT_WAIT_S, self.reboot_interval_s)
        doublings = min(in_vain, 32)  # beyond it only the number would grow
        return float(min(self.reboot_interval_s * 2**doublings, longest_s))


@dataclass(frozen=True, slots=True)
class State:
    """Where on the ladder we are.

    Attributes
    ----------
    since_s
        When this climb began; None while the network works.
    climbed
        Rungs taken in this climb.
    reboots_in_vain
        Reboots asked for since the network last worked.
    asked_s
        When a reboot was last asked for in this boot.
    """

    since_s: float | None = None
    climbed: int = 0
    reboots_in_vain: int = 0
    asked_s: float | None = None


def works(state: State) -> State:
    """Return the state after the network was seen working."""
    return replace(state, since_s=None, climbed=0, reboots_in_vain=0)


def fails(state: State, now_s: float, plan: Plan) -> tuple[State, Step | None]:
    """Return the state after the network was seen broken, and what to do, at most one step."""
    if state.since_s is None:
        state = replace(state, since_s=now_s, climbed=0)
    began_s = now_s if state.since_s is None else state.since_s
    rung = plan.rungs[state.climbed]
    if now_s - began_s < rung.after_s:
        return state, None
    if rung.step is not Step.REBOOT:
        return replace(state, climbed=state.climbed + 1), rung.step
    anew = replace(state, since_s=now_s, climbed=0)  # the access point may be back by now
    if not _may_reboot(state, now_s, plan):
        return anew, Step.WITHHOLD
    return replace(anew, reboots_in_vain=state.reboots_in_vain + 1, asked_s=now_s), Step.REBOOT


def _may_reboot(state: State, now_s: float, plan: Plan) -> bool:
    wait_s = plan.reboot_wait_s(state.reboots_in_vain)
    asked_long_ago = state.asked_s is None or now_s - state.asked_s >= wait_s
    return plan.reboot and now_s >= wait_s and asked_long_ago
