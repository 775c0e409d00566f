"""The pages under Apache with mod_cgid and stunnel, started from the files in etc/."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
import webhosts
from browsing import complaints, follow, follow_link, log_in, log_out
from demos import Demo, Visitor
from selenium.webdriver.common.by import By
from webhosts import WebHost

pytestmark = pytest.mark.apache

ADA = ("ada@fenwick.example", "harbour demo lighthouse one")
AWAY_SECONDS_MAX = 1.0


@pytest.fixture(scope="module")
def host(demo: Demo) -> Iterator[WebHost]:
    """Give a web host in front of the demo's daemon."""
    for program in (webhosts.APACHE, webhosts.STUNNEL):
        if not program.exists():
            pytest.fail(f"{program} is missing: apt-get install apache2 stunnel4")
    with webhosts.running(demo) as running:
        yield running


def visitor(demo: Demo, host: WebHost) -> Visitor:
    """Give somebody who comes to Apache."""
    return Visitor(host.port, demo.authority)


@pytest.mark.browser
def test_a_customer_walks_the_whole_path(demo: Demo, host: WebHost, open_browser: Any) -> None:
    """Log in, overview, usage, a charge explained, an invoice, log out: as behind the embedded host."""
    browser = open_browser(demo.authority)
    log_in(browser, f"https://localhost:{host.port}", *ADA)
    assert "1000 national minutes" in browser.page_source
    assert browser.execute_script("return document.styleSheets.length") == 1
    follow_link(browser, "Usage")
    follow_link(browser, "Why")
    assert "How the cost came about" in browser.page_source
    follow_link(browser, "Invoices")
    invoice = browser.find_element(By.CSS_SELECTOR, ".records a")
    number = invoice.text
    follow(browser, invoice)
    assert browser.find_element(By.TAG_NAME, "h1").text == number
    log_out(browser)
    assert "You are logged out" in browser.page_source
    assert complaints(browser) == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 303),
        ("GET", "/my", 303),
        ("GET", "/my/login", 200),
        ("GET", "/my/overview", 200),
        ("GET", "/my/nothing", 404),
        ("GET", "/my/usage?x=1", 400),
        ("GET", "/my/a%00b", 404),
        ("GET", "/my/..%2f..%2fetc/passwd", 404),
        ("GET", "/static/bmui.css", 200),
        ("GET", "/static/", 404),
        ("GET", "/static/../bmui.conf", 404),
        ("GET", "/static/bmui.css/x", 404),
        ("GET", "/cgi-bin/bmui.py", 404),
        ("GET", "/bmui.css", 404),
        ("POST", "/static/bmui.css", 403),
        ("PUT", "/my/login", 405),
        ("TRACE", "/my/login", 405),
    ],
)
def test_only_pages_and_files_are_there_each_answer_protected(
    demo: Demo, host: WebHost, method: str, path: str, status: int
) -> None:
    """Whoever answers, the script or Apache itself: the browser is told once what it may not do."""
    ada = visitor(demo, host)
    ada.log_in(*ADA)
    got, headers, _ = ada.ask(method, path)
    assert got == status
    for name in (
        "Strict-Transport-Security",
        "Content-Security-Policy",
        "X-Content-Type-Options",
        "Referrer-Policy",
        "Cross-Origin-Opener-Policy",
        "Cache-Control",
    ):
        assert len(headers.get_all(name, [])) == 1, (name, headers.get_all(name))
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["Server"] == "Apache"


def test_a_body_too_long_is_refused(demo: Demo, host: WebHost) -> None:
    """Nobody fills a process with what no form sends."""
    stranger = visitor(demo, host)
    kind = {"Content_Type": "application/x-www-form-urlencoded", "Sec_Fetch_Site": "same-origin"}
    assert stranger.ask("POST", "/my/login", "a" * 65537, **kind)[0] == 413


def test_a_client_cannot_name_a_proxy(demo: Demo, host: WebHost) -> None:
    """httpoxy: the header is gone before the script, which would not look at it either."""
    assert visitor(demo, host).ask("GET", "/my/login", Proxy="http://127.0.0.1:9")[0] == 200


def test_without_the_way_to_the_daemon_the_page_says_so_at_once(demo: Demo, host: WebHost) -> None:
    """When stunnel is gone a customer reads plain words within a moment, and the log says why."""
    ada = visitor(demo, host)
    ada.log_in(*ADA)
    host.stunnel.terminate()
    host.stunnel.wait(webhosts.READY_SECONDS_MAX)
    began = time.monotonic()
    status, _, page = ada.ask("GET", "/my/overview")
    assert time.monotonic() - began < AWAY_SECONDS_MAX
    assert status == 503
    assert "Nothing is lost" in page
    assert ada.ask("GET", "/my/login")[0] == 200
    assert "bmui: overview_show" in host.errors
    assert ada.cookie.partition("=")[2] not in host.errors
