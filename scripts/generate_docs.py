"""Generates the reference pages of docs/ from the code; ``--check`` says which are out of date."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import docs_configuration
import docs_data_contract

DOCS = Path(__file__).parents[1] / "docs"
PAGES = {
    "data-contract.md": docs_data_contract.page,
    "configuration.md": docs_configuration.page,
}


def main() -> int:
    """Write the pages, or compare them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if out of date")
    check = parser.parse_args().check
    stale = []
    for name, page in PAGES.items():
        path, text = DOCS / name, page()
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if not check:
            path.write_text(text, encoding="utf-8")
    if check and stale:
        print(f"Out of date: docs/{', docs/'.join(stale)}. Run: make docs", file=sys.stderr)
        return 1
    print(f"Generated pages: {'written ' + ', '.join(stale) if stale else 'up to date'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
