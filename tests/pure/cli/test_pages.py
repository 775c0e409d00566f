"""The commands in docs/catalogue.md and docs/offline.md do what the pages say, as they are typed."""

import re
import shlex
from pathlib import Path

import pytest

from bmu.billing.catalogue.forms import FORMS
from bmuid.__main__ import main

ROOT = Path(__file__).parents[3]
PAGES = {
    name: (ROOT / "docs" / name).read_text("utf-8") for name in ("catalogue.md", "offline.md")
}
COMMANDS = [
    line
    for page in PAGES.values()
    for block in re.findall(r"^```\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    for line in block.splitlines()
    if line.startswith("bmuid ")
]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_pages_runs(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever types it in the checkout gets an answer: some example lines are bad on purpose, none is fatal."""
    monkeypatch.chdir(ROOT)
    assert main(shlex.split(command)[1:]) in (0, 1)
    assert capsys.readouterr().out


def test_the_page_names_every_table_and_key() -> None:
    """What can be written in a catalogue is on the page."""
    page = PAGES["catalogue.md"]
    for form in FORMS:
        line = next(one for one in page.splitlines() if one.startswith(f"| `[[{form.table}]]`"))
        for each in (*form.fields, *form.beside):
            assert re.search(rf"\b{each.key}\b", line), f"{form.table}.{each.key}"
