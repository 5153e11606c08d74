"""What surrounds the watch, in memory."""

import re

from soclab_collectors.unit_name import of_this_host
from soclab_collectors.wlan.commands import Result

_QUESTIONS = ("nmcli --get-values", "systemctl is-", "ip -json")


class Machine:
    """Takes commands; ``codes`` says with what those that begin so end."""

    def __init__(self, codes=None, nmcli_says="100 (connected)"):
        self.codes = dict(codes or {})
        self.done = []
        self._nmcli_says = nmcli_says

    def run(self, command):
        line = " ".join(command)
        if not line.startswith(_QUESTIONS):
            self.done.append(line)
        code = next((c for start, c in self.codes.items() if line.startswith(start)), 0)
        said = self._nmcli_says if line.startswith("nmcli --get-values") else ""
        return Result(code, said, "it said so\n" if code else "")


class Spool:
    """Keeps lines."""

    dropped_lines = 0

    def __init__(self):
        self.lines = []

    def append(self, body, stamp):
        assert stamp.boot_id, "the wall clock may lie"
        self.lines.append(body)

    def backlog(self):
        return 0, 0.0

    def events(self):
        start = f"event,instrument={of_this_host('wlan')},kind=wlan,site=lab "
        return [
            re.fullmatch(r'text="(.*)"', line.removeprefix(start))[1]
            for line in self.lines
            if line.startswith(start)
        ]

    def rows(self):
        start = f"collector,instrument={of_this_host('wlan')},site=lab "
        return [line for line in self.lines if line.startswith(start)]
