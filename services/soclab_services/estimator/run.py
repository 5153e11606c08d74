"""The unit: looks for new data at a steady pace until it is stopped."""

from __future__ import annotations

import contextlib
import logging
import signal
import threading
import time
from typing import TYPE_CHECKING, Final

import numpy as np
from soclab_collectors import systemd
from soclab_collectors.logs import Outage

from soclab_services.estimation.stream import KINDS, Stream
from soclab_services.estimator.characteristics import characteristics
from soclab_services.estimator.estimator import Estimator
from soclab_services.estimator.influx import Influx, ServerError
from soclab_services.estimator.samples import NS_PER_S

if TYPE_CHECKING:
    from soclab_services.estimator.config import EstimatorConfig

_LOG = logging.getLogger(__name__)

FIRST_WAIT_S: Final = 1.0
LONGEST_WAIT_S: Final = 30.0  # within this a server that is back is noticed
REFUSED_WAIT_S: Final = 60.0  # a person has to do something first
_WARM_S: Final = 1200.0  # of samples: long enough for several blocks


def run(config: EstimatorConfig) -> None:
    """Estimate until a signal asks to stop.

    Raises
    ------
    ConfigError
        If something configured cannot be used.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    influx = Influx(config.influxdb)
    warm_up(config)
    estimator = Estimator(config, influx, stop.is_set)
    server = Outage(_LOG)
    waits_s = FIRST_WAIT_S
    _LOG.info("ready: %d batteries", len(config.batteries))
    systemd.notify("READY=1")
    while not stop.is_set():
        began = time.monotonic()
        try:
            behind = estimator.look(time.time_ns())
        except ServerError as error:
            server.begin(f"{error}; states are kept, nothing is lost", kind=str(error.away))
            wait_s = waits_s if error.away else REFUSED_WAIT_S
            waits_s = min(2.0 * waits_s, LONGEST_WAIT_S)
            if not error.away:
                influx.reload_token()
        else:
            server.end("InfluxDB does what it is asked again")
            waits_s = FIRST_WAIT_S
            wait_s = 0.0 if behind else config.timing.every_s - (time.monotonic() - began)
        _wait(stop, wait_s, estimator.describe())
    systemd.notify("STOPPING=1")
    with contextlib.suppress(ServerError):  # it goes on from the states it has
        estimator.save()


def run_once(config: EstimatorConfig) -> None:
    """Estimate everything that is there, also the youngest, and store the states.

    Raises
    ------
    ConfigError
        If something configured cannot be used.
    ServerError
        If the server does not answer or refuses.
    """
    warm_up(config)
    estimator = Estimator(config, Influx(config.influxdb))
    now_ns = time.time_ns() + config.timing.settle_s * NS_PER_S
    while estimator.look(now_ns):
        pass
    estimator.save()


def warm_up(config: EstimatorConfig) -> None:
    """Compile what is going to be used, which on a new machine takes minutes."""
    used = {method for battery in config.batteries for method in battery.methods} & KINDS.keys()
    time_s = np.arange(0.0, _WARM_S, 10.0)
    nothing = np.zeros(len(time_s))
    for method in sorted(used):
        known = characteristics(config.batteries[0])
        volts = np.full(len(time_s), known.model.ocv_v[-1])
        stream = Stream.begin(known.model, known.meta, method, known.assumed)
        stream.follow(time_s, nothing, volts, nothing, nothing)


def _wait(stop: threading.Event, wait_s: float, said: str) -> None:
    """Wait, and let the service manager know meanwhile that all is well."""
    systemd.notify(f"WATCHDOG=1\nSTATUS={said}")
    deadline = time.monotonic() + wait_s
    while not stop.is_set() and (left_s := deadline - time.monotonic()) > 0.0:
        stop.wait(min(left_s, 10.0))
        systemd.notify("WATCHDOG=1")
