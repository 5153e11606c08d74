"""The filter that writes Mosquitto's password file."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

FILTER = runpy.run_path(
    str(
        Path(__file__).parents[2]
        / "ansible/roles/mqtt_broker/filter_plugins/mosquitto_passwords.py"
    )
)
mosquitto_passwords = FILTER["mosquitto_passwords"]
# Made by mosquitto_passwd 2.0.11 for the password "correct horse battery".
MADE_BY_MOSQUITTO = (
    "node:$7$101$uy7zOLo4UqOhCNeu$"
    "CMqSKvEEoUBTmfPefBloMFdt78AL0B9trFBV4tTjXfULZ8XMeKoZt+XkszZsveuZ54K6N8tZ2en/mVuaQVrJhA==\n"
)
USERS = [{"name": "b", "password": "pässword: $7$"}, {"name": "a", "password": "another one"}]


def test_an_entry_of_mosquitto_s_own_program_is_recognised() -> None:
    user = {"name": "node", "password": "correct horse battery"}
    assert mosquitto_passwords([user], MADE_BY_MOSQUITTO, 101) == MADE_BY_MOSQUITTO


def test_nothing_changes_while_passwords_do_not() -> None:
    first = mosquitto_passwords(USERS, "", 10)
    assert [line.split(":")[0] for line in first.splitlines()] == ["a", "b"]
    assert mosquitto_passwords(list(reversed(USERS)), first, 10) == first


def test_only_a_changed_password_gets_a_new_entry() -> None:
    first = mosquitto_passwords(USERS, "", 10)
    changed = [USERS[0], {"name": "a", "password": "changed"}]
    second = mosquitto_passwords(changed, first, 10)
    assert second.splitlines()[0] != first.splitlines()[0]
    assert second.splitlines()[1] == first.splitlines()[1]


def test_who_left_is_gone_and_other_rounds_hash_anew() -> None:
    first = mosquitto_passwords(USERS, "", 10)
    assert mosquitto_passwords(USERS[1:], first, 10) == first.splitlines()[0] + "\n"
    assert ":$7$11$" in mosquitto_passwords(USERS, first, 11)


@pytest.mark.parametrize("damaged", ["a:", "a:plain", "a:$7$10$***$***", "a:$6$x$y", "no colon"])
def test_a_damaged_entry_is_replaced(damaged: str) -> None:
    text = mosquitto_passwords(USERS, damaged, 10)
    assert text != damaged
    assert mosquitto_passwords(USERS, text, 10) == text


def test_equal_passwords_have_different_salts() -> None:
    same = [{"name": name, "password": "same password"} for name in "ab"]
    first, second = mosquitto_passwords(same, "", 10).splitlines()
    assert first.split(":")[1] != second.split(":")[1]
