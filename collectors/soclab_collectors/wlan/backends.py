"""The commands of each network service for each step; which service it is.

NetworkManager is what Raspberry Pi OS has since bookworm, dhcpcd with wpa_supplicant before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from soclab_collectors.wlan.ladder import Step

if TYPE_CHECKING:
    from soclab_collectors.wlan.commands import Run

NETWORK_MANAGER: Final = "networkmanager"
DHCPCD: Final = "dhcpcd"

_SERVICES: Final = {NETWORK_MANAGER: "NetworkManager.service", DHCPCD: "dhcpcd.service"}
_UNMANAGED: Final = "10 "  # NM_DEVICE_STATE_UNMANAGED, as nmcli shows it
# wpa_cli's own socket: by default in /tmp, which in this unit is not wpa_supplicant's /tmp.
_WPA_CLI_SOCKETS: Final = "/run/soclab-wlan"  # RuntimeDirectory= of the unit


def detect(interface: str, run: Run) -> str | None:
    """Return who manages the interface, or would if it ran; None if nobody does."""
    state = run(["nmcli", "--get-values", "GENERAL.STATE", "device", "show", interface])
    if state.code == 0 and not state.output.startswith(_UNMANAGED):
        return NETWORK_MANAGER
    if run(["systemctl", "is-active", "--quiet", _SERVICES[DHCPCD]]).code == 0:
        return DHCPCD
    for backend, service in _SERVICES.items():  # neither runs: that may be the very trouble
        if run(["systemctl", "is-enabled", "--quiet", service]).code == 0:
            return backend
    return None


def commands(backend: str, step: Step, interface: str) -> list[list[str]]:
    """Return the commands of a step, each tried even if the one before failed."""
    if step is Step.REBOOT:
        return [["systemctl", "reboot"]]
    link = [["ip", "link", "set", interface, way] for way in ("down", "up")]
    if backend == NETWORK_MANAGER:
        connect = ["nmcli", "--wait", "45", "device", "connect", interface]
        return {
            Step.RECONNECT: [["nmcli", "radio", "wifi", "on"], connect],
            Step.RESTART_INTERFACE: [
                ["nmcli", "--wait", "15", "device", "disconnect", interface],
                *link,
                connect,
            ],
            Step.RESTART_SERVICE: [
                ["systemctl", "try-restart", "wpa_supplicant.service"],
                ["systemctl", "restart", _SERVICES[NETWORK_MANAGER]],
            ],
        }.get(step, [])
    supplicant = ["wpa_cli", "-s", _WPA_CLI_SOCKETS, "-i", interface]
    rebind = ["dhcpcd", "--rebind", interface]
    return {
        Step.RECONNECT: [[*supplicant, "reassociate"], rebind],
        Step.RESTART_INTERFACE: [*link, [*supplicant, "reconfigure"], rebind],
        Step.RESTART_SERVICE: [
            ["systemctl", "try-restart", "wpa_supplicant.service"],
            ["systemctl", "try-restart", f"wpa_supplicant@{interface}.service"],
            ["systemctl", "restart", _SERVICES[DHCPCD]],
        ],
    }.get(step, [])
