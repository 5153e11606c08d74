"""One look at the path to the server and what follows from it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from soclab_collectors.wlan.backends import commands, detect
from soclab_collectors.wlan.ladder import Plan, Step, fails, works
from soclab_collectors.wlan.observe import Path

if TYPE_CHECKING:
    from collections.abc import Callable

    from soclab_collectors.wlan.commands import Run
    from soclab_collectors.wlan.config import WlanConfig
    from soclab_collectors.wlan.memory import Memory
    from soclab_collectors.wlan.observe import Observer, Seen
    from soclab_collectors.wlan.report import Reporter


class Watch:
    """Looks, decides, acts and tells.

    Parameters
    ----------
    config, observer, run, memory, reporter
        What it works with.
    since_boot_s
        The seconds since this boot began.
    """

    def __init__(
        self,
        config: WlanConfig,
        observer: Observer,
        run: Run,
        memory: Memory,
        reporter: Reporter,
        since_boot_s: Callable[[], float],
    ) -> None:
        self._config = config
        self._observer = observer
        self._run = run
        self._memory = memory
        self._reporter = reporter
        self._since_boot_s = since_boot_s
        self._plan = Plan.of(config)
        self._state = memory.load()
        self._path = Path.SERVER
        self._broken_since_s = 0.0

    def check(self) -> None:
        """Look once and do what is due."""
        seen = self._observer.look()
        if seen.path is not self._path:
            self._tell_change(seen)
        if seen.path is Path.NOTHING:
            self._climb(seen)
        else:
            self._rest()
        self._reporter.row(seen, up=seen.path is Path.SERVER)

    def _tell_change(self, seen: Seen) -> None:
        """Tell once what began or ended."""
        now_s = self._since_boot_s()
        name = self._config.interface
        if self._path is Path.NOTHING:
            lasted_s = now_s - self._broken_since_s
            self._reporter.event(logging.INFO, f"{name} works again after {lasted_s:.0f} s")
        if seen.path is Path.NOTHING:
            self._broken_since_s = now_s
            self._reporter.event(logging.WARNING, f"{name} is in trouble: {seen.reason}")
        elif seen.path is Path.NETWORK:
            text = f"{seen.reason}; {name} works, so there is nothing to repair here"
            self._reporter.event(logging.WARNING, text)
        elif self._path is Path.NETWORK:
            self._reporter.event(logging.INFO, f"{self._config.server()} answers again")
        self._path = seen.path

    def _rest(self) -> None:
        """Note that the network works."""
        if self._state.reboots_in_vain:
            text = f"{self._config.interface} works after {self._state.reboots_in_vain} reboot(s)"
            self._reporter.event(logging.INFO, text)
            self._memory.save(works(self._state))
        self._state = works(self._state)

    def _climb(self, seen: Seen) -> None:
        now_s = self._since_boot_s()
        self._state, step = fails(self._state, now_s, self._plan)
        if step is None:
            return
        lasted_s = now_s - self._broken_since_s
        since = f"{self._config.interface} in trouble for {lasted_s:.0f} s ({seen.reason})"
        if step is Step.WITHHOLD:
            self._reporter.event(logging.WARNING, f"{since}: {self._why_withheld()}")
            return
        if step is Step.REBOOT:
            self._memory.save(self._state)  # before anything can stop us
        level = logging.ERROR if step is Step.REBOOT else logging.WARNING
        self._reporter.event(level, f"{since}: {step}", repair=True)
        self._take(step)

    def _why_withheld(self) -> str:
        if not self._plan.reboot:
            return "no reboot, since reboot = false; beginning anew"
        wait_s = self._plan.reboot_wait_s(self._state.reboots_in_vain)
        return f"no reboot yet: this boot must be {wait_s:.0f} s old; beginning anew"

    def _take(self, step: Step) -> None:
        backend = self._config.backend
        found = detect(self._config.interface, self._run) if backend == "auto" else backend
        if found is None and step is not Step.REBOOT:
            text = f"neither NetworkManager nor dhcpcd manages {self._config.interface}"
            self._reporter.event(logging.ERROR, f"cannot {step}: {text}")
            return
        for command in commands(found or "", step, self._config.interface):
            done = self._run(command)
            if done.code:
                said = (done.error or done.output).strip().replace("\n", "; ")
                logging.getLogger(__name__).warning(
                    "%s: exit %d: %s", " ".join(command), done.code, said
                )
