"""The ladder: what is done about a broken network, and above all how seldom it reboots."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from soclab_collectors.wlan.config import WlanConfig
from soclab_collectors.wlan.ladder import Plan, State, Step, fails, works

HOUR_S = 3600.0
CONFIG = WlanConfig(site="lab", server_url="https://server.lab:8086")
PLAN = Plan.of(CONFIG)


def climb(state, start_s, seconds, plan=PLAN, every_s=10.0):
    """Return the state and the steps of a stretch in which the network never works."""
    steps = []
    for tick in range(int(seconds / every_s) + 1):
        now_s = start_s + tick * every_s
        state, step = fails(state, now_s, plan)
        if step is not None:
            steps.append((now_s - start_s, step))
    return state, steps


def test_the_steps_come_in_order_and_on_time():
    _, steps = climb(State(), 2 * HOUR_S, 1200)
    assert steps == [
        (60, Step.RECONNECT),
        (180, Step.RESTART_INTERFACE),
        (420, Step.RESTART_SERVICE),
        (1200, Step.REBOOT),
    ]


def test_trouble_that_ends_soon_is_left_alone():
    state, steps = climb(State(), 0.0, 50)
    assert steps == []
    assert works(state) == State()


def test_each_outage_begins_at_the_first_step():
    state, _ = climb(State(), 2 * HOUR_S, 500)
    _, steps = climb(works(state), 3 * HOUR_S, 100)
    assert steps == [(60, Step.RECONNECT)]


def test_a_young_boot_begins_anew_instead_of_rebooting():
    _, steps = climb(State(), 0.0, 1200 + 60)
    assert steps[3:] == [(1200, Step.WITHHOLD), (1260, Step.RECONNECT)]


def test_the_wait_doubles_with_each_reboot_in_vain_up_to_a_day():
    waits = [PLAN.reboot_wait_s(n) / HOUR_S for n in range(8)]
    assert waits == [1, 2, 4, 8, 16, 24, 24, 24]
    assert PLAN.reboot_wait_s(10**9) == 24 * HOUR_S


def test_an_interval_above_a_day_is_kept():
    assert (
        Plan.of(WlanConfig(site="l", server_url="x", reboot_interval_s=1e6)).reboot_wait_s(3) == 1e6
    )


def test_without_permission_it_never_reboots():
    plan = PLAN._replace(reboot=False)
    _, steps = climb(State(), 100 * HOUR_S, 10 * HOUR_S, plan)
    assert {step for _, step in steps} == set(Step) - {Step.REBOOT}


# What may happen from one look to the next: how much time passes, whether the network works, and
# what else befalls the Pi. A ladder takes at least four looks, so several fit into an hour only if
# looks are close.
SECONDS = (0.1, 30.0, 61.0, 299.9, 300.0, 301.0, 900.0, 1201.0, 1800.0, 3599.9, 3600.0, 5000.0)
MISHAPS = ("reboot does nothing", "program restarts", "memory is lost", "power fails")


def look(when: int, what: int):
    """Return a look made of two bytes, which are quick to draw and easy to shrink."""
    mishap = MISHAPS[what - 1] if 1 <= what <= len(MISHAPS) else "nothing"
    return SECONDS[when % len(SECONDS)], "works" if what > 245 else "fails", mishap


LOOKS = st.binary(min_size=20, max_size=400).map(
    lambda data: [look(*pair) for pair in zip(data[::2], data[1::2], strict=False)]
)


def reboots_of(looks, plan=PLAN):
    """Return when the Pi was rebooted and when that was asked for, in true seconds.

    The true time is known to nobody in there: the Pi knows how old its boot is.
    """
    now = boot = 0.0
    state = kept = State()
    done, asked = [], []
    for seconds, network, mishap in looks:
        now += seconds
        match mishap:
            case "memory is lost":
                kept = State()
            case "program restarts":
                state = kept
            case "power fails":
                boot, state = now, replace(kept, asked_s=None)
        if network == "works":
            state = kept = works(state)
            continue
        state, step = fails(state, now - boot, plan)
        if step is not Step.REBOOT:
            continue
        kept = replace(state, since_s=None, climbed=0)
        asked.append(now)
        if mishap != "reboot does nothing":
            done.append(now)
            boot, state = now, replace(kept, asked_s=None)
    return done, asked


@settings(max_examples=500, deadline=None)  # other work on the machine is no failure
@given(LOOKS)
def test_never_two_reboots_within_an_hour(looks):
    done, _ = reboots_of(looks)
    assert all(b - a >= HOUR_S for a, b in itertools.pairwise(done))


@settings(deadline=None)
@given(st.lists(st.sampled_from(SECONDS), min_size=10, max_size=200))
def test_never_two_attempts_within_an_hour_if_none_succeeds(times):
    _, asked = reboots_of([(s, "fails", "reboot does nothing") for s in times])
    assert all(b - a >= HOUR_S for a, b in itertools.pairwise(asked))


def test_a_network_that_never_comes_back_costs_a_reboot_a_day():
    done, _ = reboots_of([(30.0, "fails", "nothing")] * (7 * 24 * 120))
    hours = [round((b - a) / HOUR_S) for a, b in itertools.pairwise([0.0, *done])]
    assert hours[:6] == [1, 2, 4, 8, 16, 24]
    assert len(done) < 12


@settings(deadline=None)
@given(LOOKS)
def test_steps_go_up_the_ladder_one_at_a_time(looks):
    order = [s for s in Step if s is not Step.WITHHOLD]
    state, now, last = State(), 0.0, None
    for seconds, network, _ in looks:
        now += seconds
        if network == "works":
            state, last = works(state), None
            assert state.since_s is None
            continue
        state, step = fails(state, now, PLAN)
        if step is None:
            continue
        at = order.index(Step.REBOOT if step is Step.WITHHOLD else step)
        assert at == 0 if last is None else at == (last + 1) % len(order)
        last = at


@pytest.mark.parametrize("in_vain", [0, 3, 40])
def test_what_works_forgets_reboots_in_vain(in_vain):
    assert works(State(reboots_in_vain=in_vain, asked_s=5.0)) == State(asked_s=5.0)
