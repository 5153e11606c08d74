"""Prints the files of a lab: settings as JSON on standard input, files as JSON on standard output.

The names of files are relative to folder grafana/alerting/. An exit code other than 0 means that a
setting cannot be; standard error names it.
"""

from __future__ import annotations

import json
import sys

from grafana.source.alerting import files
from grafana.source.alerting.settings import SettingsError, read

FOLDER = "alerting/"


def main() -> int:
    """Read, generate, print."""
    try:
        made = files(read(json.load(sys.stdin)))
    except (SettingsError, json.JSONDecodeError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    own = {name.removeprefix(FOLDER): t for name, t in made.items() if name.startswith(FOLDER)}
    json.dump(own, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
