"""What counts as a browser on this machine: the tests and the script that installs what is missing agree."""

import re

from tests.browser.conftest import CHROMIUMS
from tests.ops.installation import ROOT


def test_the_script_looks_for_the_browsers_that_the_tests_take() -> None:
    script = (ROOT / ".ci" / "run").read_text()

    assert tuple(re.findall(r"command -v (\S*chrom\S*)", script)) == CHROMIUMS
