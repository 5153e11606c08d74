"""Prints the files of a lab: settings as JSON on standard input, files as JSON on standard output.

The names of files are relative to folder grafana/. An exit code other than 0 means that a setting
cannot be; standard error names it.
"""

from __future__ import annotations

import json
import sys

from grafana.source import alerting, dashboards
from grafana.source.alerting.settings import SettingsError, read


def main() -> int:
    """Read, generate, print."""
    try:
        settings = read(json.load(sys.stdin))
    except (SettingsError, json.JSONDecodeError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    json.dump(alerting.files(settings) | dashboards.files(settings), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
