"""The journal gets priorities, a terminal gets times."""

import os
import re
import subprocess
import sys

SCRIPT = """
import logging, os, sys
if sys.argv[1] == "journal":
    status = os.fstat(2)
    os.environ["JOURNAL_STREAM"] = f"{status.st_dev}:{status.st_ino}"
from soclab_collectors.logs import configure_logging
configure_logging(verbose=False)
logging.debug("hidden")
logging.error("down:\\nreason")
"""


def logged(target):
    environment = os.environ | {"JOURNAL_STREAM": "1:1"}
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, target], capture_output=True, env=environment, check=True
    ).stderr.decode()


def test_every_line_has_its_priority_in_the_journal():
    assert logged("journal") == "<3>down:\n<3>reason\n"


def test_elsewhere_lines_have_time_and_level():
    assert re.fullmatch(r"\d{4}-\d\d-\d\d [\d:,]+ ERROR down:\nreason\n", logged("terminal"))
