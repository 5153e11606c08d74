"""Generates reference pages and the example inventory; ``--check`` says what is out of date."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

import docs_configuration
import docs_data_contract
import docs_example
import docs_roles
from roles import ROOT

if TYPE_CHECKING:
    from pathlib import Path


def pages() -> dict[Path, str]:
    """Return every generated file with its text."""
    return {
        ROOT / "docs" / "data-contract.md": docs_data_contract.page(),
        ROOT / "docs" / "configuration.md": docs_configuration.page(),
        **docs_roles.pages(),
        **docs_example.pages(),
    }


def main() -> int:
    """Write the files, or compare them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if out of date")
    check = parser.parse_args().check
    wanted = pages()
    # A variable or role that is gone takes its file along.
    extra = {file for file in docs_example.EXAMPLE.rglob("*") if file.is_file()} - wanted.keys()
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
    print(f"Generated pages: {'written ' + ', '.join(stale) if stale else 'up to date'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
