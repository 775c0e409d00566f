"""The pages' templates: compiled as they are written, and safe against what customers' data may hold."""

import io
import json
from html.parser import HTMLParser
from pathlib import Path

import pytest
from fake_door import ANSWERS, TOKEN, FakeDoor

from bmu.ui import compile as compiling
from bmu.ui import pages
from bmu.ui.answer import Part
from bmu.ui.app import answer
from bmu.ui.compile import TemplateError, compile_templates, loader, module_text
from bmu.ui.exchange import Request
from bmu.ui.runtime import UndefinedError, escape, render
from bmu.ui.settings import Settings

ROOM = Path(compiling.__file__).parent
CANARY = "\"'><svg/onload=alert(1)>{{7*7}}&amp;"
SETTINGS = Settings("/nowhere", "Harbour Telecom Ltd", "/static")
PAGES = {
    "overview": "",
    "usage": "",
    "charge": "id=1-1",
    "invoices": "",
    "invoice": "number=HT-1",
}
VIEWS = {
    "overview.html": lambda: pages.overview(Part.of(ANSWERS["overview_show"])),
    "usage.html": lambda: pages.usage(Part.of(ANSWERS["usage_list"]), {}),
    "charge.html": lambda: pages.charge(Part.of(ANSWERS["charge_explain"])),
    "invoices.html": lambda: pages.invoices(Part.of(ANSWERS["invoice_list"])),
    "invoice.html": lambda: pages.invoice(Part.of(ANSWERS["invoice_show"])),
}
FRAME = {
    "base": "/my",
    "static": "/static",
    "company": "O'Brien & <Sons>",
    "csrf": "c",
    "nav": [{"path": "usage", "text": "Usage", "current": "page"}],
    "account_name": "Zoë",
    "account_number": "A1",
}


def test_the_compiled_pages_are_those_of_the_templates(tmp_path: Path) -> None:
    """Who changed a template has compiled it: python -m bmu.ui.compile."""
    written = {p.name: p.read_text() for p in compile_templates(ROOM / "templates", tmp_path)}
    present = {p.name: p.read_text() for p in (ROOM / "compiled").glob("*.py")}
    assert present == written


@pytest.mark.parametrize("name", VIEWS)
def test_a_page_is_what_jinja_itself_would_write(name: str) -> None:
    """The small runtime gives the same octets as the whole of Jinja2."""
    values = {**FRAME, **VIEWS[name]()}
    assert render(name, values) == loader(ROOM / "templates").get_template(name).render(values)


def test_a_value_that_was_forgotten_is_an_error_and_not_a_blank() -> None:
    """No page shows nothing where a figure belongs."""
    values = {**FRAME, **VIEWS["invoice.html"]()}
    del values["total"]
    with pytest.raises(UndefinedError):
        render("invoice.html", values)


@pytest.mark.parametrize(
    "text", ["{{ a|upper }}", "{% macro m() %}{% endmacro %}{{ m() }}", "{{ a ~ b }}"]
)
def test_a_template_that_wants_more_of_jinja_is_refused_when_built(
    tmp_path: Path, text: str
) -> None:
    """What the runtime can't do shows at the build, not in front of a customer."""
    (tmp_path / "page.html").write_text(text)
    with pytest.raises(TemplateError):
        module_text(loader(tmp_path), "page.html")


def test_only_text_and_whole_numbers_are_printed() -> None:
    """No None, no float and no object ever shows on a page."""
    assert escape("a<b&'\"") == "a&lt;b&amp;&#39;&#34;"
    assert escape(7) == "7"
    for value in (None, 0.1, [], object()):
        with pytest.raises(TypeError):
            escape(value)


class Elements(HTMLParser):
    """Counts the elements and attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, tuple[str, ...]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.seen.append((tag, tuple(name for name, _ in attrs)))


def spoiled(value: object) -> object:
    """Put the canary into every text that is not a figure, a date or a code."""
    if isinstance(value, dict):
        plain = {
            "kind",
            "cursor",
            "from",
            "to",
            "day",
            "currency",
            "unit",
            "id",
            "started_local",
            "due_on",
            "issued_on",
        }
        return {k: v if k in plain else spoiled(v) for k, v in value.items()}
    if isinstance(value, list):
        return [spoiled(one) for one in value]
    if isinstance(value, str) and not value.replace(".", "").isdigit():
        return value + CANARY
    return value


@pytest.mark.parametrize("path", PAGES)
def test_markup_in_a_customers_data_stays_text(path: str) -> None:
    """Whatever a name, a number or a description holds, the page has the same elements as without."""
    shapes = []
    for data in (ANSWERS, spoiled(ANSWERS)):
        door = FakeDoor(json.loads(json.dumps(data)))
        environ = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": "/" + path,
            "QUERY_STRING": PAGES[path],
            "HTTP_COOKIE": f"__Host-bm={TOKEN}",
        }
        response = answer(Request(environ), SETTINGS, door.ask, io.BytesIO().read)
        assert response.status == 200
        parser = Elements()
        parser.feed(response.body)
        shapes.append(parser.seen)
    assert shapes[0] == shapes[1]
    assert "&lt;svg/onload" in response.body
    assert "{{7*7}}" in response.body


def test_no_template_brings_style_script_or_a_foreign_address() -> None:
    """All that a page loads is a file of this host, and nothing in it runs."""
    for path in (ROOM / "templates").glob("*.html"):
        text = path.read_text()
        for banned in ("<script", "<style", "style=", "|safe", "://", "javascript:", " on"):
            found = [line for line in text.splitlines() if banned in line.lower()]
            if banned == " on":
                found = [line for line in found if " onc" in line or " onl" in line]
            assert not found, (path.name, banned, found)
