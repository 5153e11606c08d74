"""Generates dashboards and alert rules; ``--check`` says what is out of date."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # grafana.source is a folder of this repository, not installed

from grafana.source import alerting, dashboards  # noqa: E402

HERE = ROOT / "grafana"


def files() -> dict[Path, str]:
    """Return every generated file with its text."""
    made = {**dashboards.files(), **alerting.files()}
    return {HERE / name: text for name, text in made.items()}


def main() -> int:
    """Write the files, or compare them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if out of date")
    check = parser.parse_args().check
    wanted = files()
    # A dashboard that is generated no more would stay in Grafana.
    extra = {file for file in (HERE / "dashboards").rglob("*.json") if file not in wanted}
    stale = [str(file.relative_to(ROOT)) for file in sorted(extra)]
    for path, text in wanted.items():
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(str(path.relative_to(ROOT)))
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    if not check:
        for file in extra:
            file.unlink()
    if check and stale:
        print(f"Out of date: {', '.join(stale)}. Run: make docs", file=sys.stderr)
        return 1
    print(f"Files of Grafana: {'written ' + ', '.join(stale) if stale else 'up to date'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
