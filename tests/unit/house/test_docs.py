"""What the pages say exists: links, examples, keys and names."""

import re
import subprocess
from pathlib import Path

import pytest
from soclab_collectors.config import load_config
from soclab_collectors.measurements import CONTRACT

from benchmarks.run import programs

ROOT = Path(__file__).parents[3]
PAGES = [
    ROOT / p
    for p in subprocess.check_output(["git", "ls-files", "*.md"], cwd=ROOT, text=True).split()
]
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", text)
    gone = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert not gone


@pytest.mark.parametrize("page", DECISIONS, ids=lambda p: p.stem)
def test_a_decision_says_why(page):
    text = page.read_text(encoding="utf-8")
    assert re.findall(r"^## (\w+)", text, re.MULTILINE) == ["Context", "Decision", "Consequences"]
    assert int(re.search(r"^# (\d+)\. ", text)[1]) == int(page.name[:4])


def test_decisions_are_numbered_without_gaps():
    assert [int(p.name[:4]) for p in DECISIONS] == list(range(1, len(DECISIONS) + 1))


def test_the_example_configuration_is_good_and_in_the_page():
    example = ROOT / "docs" / "examples" / "collectors.toml"
    assert {i.__struct_config__.tag for i in load_config(example).instruments} == {
        "labjack_t7",
        "ea_el3000",
        "thingset",
    }
    assert example.read_text(encoding="utf-8") in (ROOT / "docs" / "configuration.md").read_text(
        encoding="utf-8"
    )


def test_the_data_contract_page_names_every_field():
    page = (ROOT / "docs" / "data-contract.md").read_text(encoding="utf-8")
    for name, measurement in CONTRACT.items():
        section = page.split(f"\n## {name}\n")[1].split("\n## ")[0]
        assert all(f"| `{field}` |" in section for field in measurement.fields)


def test_every_benchmark_is_described():
    described = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    assert not [name for name in programs() if f"| `{name}` |" not in described]
