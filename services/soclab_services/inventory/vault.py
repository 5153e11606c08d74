"""Secrets of a new lab, generated here and encrypted with Ansible Vault before they are stored."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from soclab_services.inventory.errors import InventoryError

# What it opens has to withstand guessing even where the inventory is public.
_BYTES: Final = 32

_WEBHOOK: Final = "vault_discord_webhook_url"
SECRETS: Final = {
    "vault_influxdb_operator_token": "May do everything in InfluxDB; only Ansible uses it.",
    "vault_influxdb_admin_password": "InfluxDB's first user.",
    "vault_grafana_admin_password": "User admin of Grafana.",
    "vault_mqtt_broker_lab_password": "User lab of the MQTT broker.",
    _WEBHOOK: "Where alerts go; empty: they are only shown in Grafana.",
}


def plain_vault(lab: str, webhook: str) -> str:
    """Return the variables of a vault with fresh secrets, not yet encrypted."""
    lines = [f"# Edit: .venv/bin/ansible-vault edit inventories/{lab}/group_vars/all/vault.yml"]
    for name, meaning in SECRETS.items():
        value = webhook if name == _WEBHOOK else secrets.token_urlsafe(_BYTES)
        lines += [f"# {meaning}", f"{name}: {json.dumps(value)}"]
    return "\n".join(lines) + "\n"


def password_file_of(lab: str) -> Path:
    """Return where scripts/vault-password looks for the password of this lab."""
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "soclab" / "vault" / lab


def encrypt(text: str, password_file: Path) -> str:
    """Return the text encrypted; it reaches no disk and no command line before that."""
    program = Path(sys.executable).with_name("ansible-vault")
    found = str(program) if program.exists() else shutil.which("ansible-vault")
    if found is None:
        raise InventoryError(
            "there is no ansible-vault", "Run: make inventory, which installs Ansible."
        )
    done = subprocess.run(
        [found, "encrypt", "--output", "-", "-"],
        input=text,
        capture_output=True,
        text=True,
        # Not the program of ansible.cfg, which looks for the inventory that is being made.
        env=os.environ | {"ANSIBLE_VAULT_PASSWORD_FILE": str(password_file.resolve())},
        check=False,
    )
    if done.returncode or not done.stdout.startswith("$ANSIBLE_VAULT;"):
        raise InventoryError(
            f"ansible-vault failed: {done.stderr.strip()}", f"Look at {password_file}."
        )
    return done.stdout
