"""Keeps pytest from collecting what only Molecule can run: it boots the hosts first."""

from __future__ import annotations

import os

collect_ignore = [] if "MOLECULE_SCENARIO_NAME" in os.environ else ["system"]
