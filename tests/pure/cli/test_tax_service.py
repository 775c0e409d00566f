"""An outside tax service is installed, named, asked; and what it can't say costs nobody a wrong tax."""

import csv
import io
import shlex
from pathlib import Path

import pytest
from plugged import installed

from bmu.rating import TaxRequest, Untaxed
from bmu.rating.taxcode import TaxPlace, TaxTraits
from bmuid.__main__ import main
from bmuid.gateways import tax
from bmuid.gateways.asking import HANGING_MAX
from bmuid.gateways.tax import TaxServiceError, open_tax_service

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "rating.md").read_text("utf-8")
ASKED = TaxRequest("USD", 0, "UTC", TaxTraits(TaxPlace(), TaxPlace()))


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A site with the example's package on it."""
    place = installed(tmp_path)
    monkeypatch.syspath_prepend(place)
    return place


def serve(site: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Put another program in the place of the example's."""
    (site / "other_rates.py").write_text(code, "utf-8")
    [info] = site.glob("*.dist-info")
    (info / "entry_points.txt").write_text(
        "[bmuid.tax_service]\nzip-rates = other_rates:open_rates\n", "utf-8"
    )
    monkeypatch.delitem(__import__("sys").modules, "other_rates", raising=False)


@pytest.mark.usefixtures("site")
def test_the_pages_example_is_taxed_as_the_page_says(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever types the command of docs/rating.md sees each customer's own rates, and one event that waits."""
    monkeypatch.chdir(ROOT)
    command = next(
        line
        for line in PAGE.splitlines()
        if line.startswith("bmuid rate --catalogue examples/tax")
    )
    assert main(shlex.split(command)[1:]) == 1
    out, err = capsys.readouterr()
    rows = {row["id"]: (row["amount"], row["tax"]) for row in csv.DictReader(io.StringIO(out))}
    assert rows == {
        "t1": ("1", "0.085"),
        "t2": ("1", "0.08875"),
        "t3": ("1", "0.0625"),
        "t5": ("1", "0.05"),
    }
    assert (
        "line 5: TAX_SERVICE: tax service zip-rates:"
        " LookupError: no rates for the ZIP code 99999 on 2026-11-02"
    ) in err


FAILING = """
def open_rates(settings):
    def ask(request):
        {}
    return ask
"""


@pytest.mark.parametrize(
    ("fails", "said"),
    [
        ("raise ValueError('no such place')", "ValueError: no such place"),
        ("return 0.05", "no TaxAnswer"),
        ("from bmu.rating import TaxAnswer; return TaxAnswer(('CITY',))", "no TaxAnswer"),
        ("from bmu.rating import TaxAnswer; return TaxAnswer((), 'yes')", "no TaxAnswer"),
    ],
)
def test_a_service_that_fails_is_told_and_taxes_nothing(
    site: Path, monkeypatch: pytest.MonkeyPatch, fails: str, said: str
) -> None:
    """Whatever a service does wrong, the product goes on, and says what it was."""
    serve(site, monkeypatch, FAILING.format(fails))
    service = open_tax_service("zip-rates")
    assert service is not None
    answer = service.ask(ASKED)
    assert isinstance(answer, Untaxed)
    assert said in answer.tried


def test_a_service_that_is_away_is_left_alone_for_a_while(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each event waits at once, not each for as long as the service lets it; one that fails otherwise is asked on."""
    serve(
        site,
        monkeypatch,
        "asked = []\n"
        "def open_rates(settings):\n"
        "    def ask(request):\n"
        "        asked.append(request)\n"
        "        raise {'away': TimeoutError, 'other': LookupError}[request.package]('no')\n"
        "    return ask\n",
    )
    service = open_tax_service("zip-rates")
    assert service is not None
    asked = __import__("other_rates").asked
    for package, times in (("other", 3), ("away", 4)):
        for _ in range(3):
            assert isinstance(service.ask(ASKED._replace(package=package)), Untaxed)
        assert len(asked) == times


def test_a_service_that_hangs_is_waited_for_no_longer_than_is_said(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """My usage waits with a reason, others' goes on; when so many calls hang, no more are begun."""
    serve(
        site,
        monkeypatch,
        "import threading\n"
        "come = threading.Event()\n"
        "asked = []\n"
        "def open_rates(settings):\n"
        "    def ask(request):\n"
        "        asked.append(threading.current_thread())\n"
        "        come.wait()\n"
        "    return ask\n",
    )
    monkeypatch.setattr(tax, "PAUSE_SECONDS", 0.0)
    service = open_tax_service("zip-rates", seconds=0.01)
    assert service is not None
    rates = __import__("other_rates")
    said = [service.ask(ASKED) for _ in range(HANGING_MAX + 2)]
    assert said[0] == Untaxed("no answer within 0.01 s")
    assert said[-1] == Untaxed("4 calls have not come back yet")
    assert len(rates.asked) == HANGING_MAX

    rates.come.set()
    for thread in rates.asked:
        thread.join(10)
    assert service.ask(ASKED) is None


def test_a_service_that_is_not_installed_is_a_fault(
    site: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is rated by a configuration that names a service nobody has; nor by one that can't be opened."""
    with pytest.raises(TaxServiceError, match="no installed package has the entry point 'acme'"):
        open_tax_service("acme")
    with pytest.raises(TaxServiceError, match="zip-rates can't be opened: KeyError: 'rates'"):
        open_tax_service("zip-rates")
    serve(site, monkeypatch, "def open_rates(settings): return 7")
    with pytest.raises(TaxServiceError, match="gives no function"):
        open_tax_service("zip-rates")
    monkeypatch.chdir(ROOT)
    words = "rate --catalogue examples/offline/catalogue --usage examples/offline/usage.csv"
    assert main([*words.split(), "--tax-service", "acme"]) == 2
    assert "--tax-service: no installed package" in capsys.readouterr().err


def test_a_setting_without_a_service_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who forgets the service's name is told so, and not given the catalogue's taxes in its place."""
    monkeypatch.chdir(ROOT)
    words = "rate --catalogue examples/offline/catalogue --usage examples/offline/usage.csv"
    with pytest.raises(SystemExit, match="2"):
        main([*words.split(), "--tax-setting", "rates=rates.csv"])
    out, err = capsys.readouterr()
    assert not out
    assert "name it with --tax-service" in err


@pytest.mark.usefixtures("site")
def test_the_examples_days_are_the_customers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On the last evening of October New York has October's rates, though it is November in UTC."""
    usage = tmp_path / "usage.csv"
    usage.write_text(
        "account,package,uid,class,started_at,quantity,account.zip\n"
        "B1,LINE,1,voice,2026-10-31T22:00:00-04:00,600,10001\n"
        "B1,LINE,1,voice,2026-11-01T00:00:00-04:00,600,10001\n",
        "utf-8",
    )
    monkeypatch.chdir(ROOT / "examples" / "tax_service")
    words = "rate --catalogue catalogue.toml --tax-service zip-rates --tax-setting rates=rates.csv"
    assert main([*words.split(), "--usage", str(usage)]) == 0
    found = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert [row["tax"] for row in found] == ["0.085", "0.08875"]
