"""What customers see in a browser, from the daemon through the CGI script: the demo's main path."""

import http.server
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from browsing import complaints, follow, follow_link, log_in, log_out, seen
from demos import Demo, Visitor
from selenium import webdriver
from selenium.webdriver.common.by import By

ADA = ("ada@fenwick.example", "harbour demo lighthouse one")
ZOE = ("zoe@marchetti.example", "harbour demo lighthouse two")
ACCOUNT = "A1001"
OCTOBER = ("--from", "2026-10-01", "--to", "2026-11-01")
PHONE, DESK = (375, 740), (1280, 900)
PAGES = ("overview", "usage", "invoices")
PROTECTION = {
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def exactly(amount: str) -> str:
    """Write an amount as the pages write sums of usage: all of its places, at least two."""
    whole, _, places = f"{Decimal(amount):,f}".partition(".")
    return f"£{whole}.{places.ljust(2, '0')}"


def pounds(amount: str) -> str:
    """Write an amount of an invoice as the pages write it."""
    return f"£{Decimal(amount).quantize(Decimal('0.01'), ROUND_HALF_UP):,}"


@pytest.mark.browser
def test_a_customer_finds_what_calls_cost_and_why_and_the_invoice(
    demo: Demo, open_browser: Any
) -> None:
    """Log in, overview, usage, one charge explained, the invoice, log out: with the figures that staff have."""
    browser = open_browser(demo.authority, *DESK)
    looks_the_same_however_wrong(browser, demo)
    log_in(browser, demo.address, *ADA)
    # The month that is shown first has only a few calls, which came last; the one before has many.
    follow_link(browser, "Earlier")
    overview_is_as_staff_see_it(browser, demo)
    follow_link(browser, "See each item")
    usage_and_reasons_are_as_staff_see_them(browser, demo)
    number = invoice_is_as_staff_see_it(browser, demo)

    log_out(browser)
    assert "You are logged out" in seen(browser)
    for _ in range(3):
        browser.back()
        assert number not in browser.page_source
    assert browser.get_cookies() == []
    assert complaints(browser) == []


def looks_the_same_however_wrong(browser: webdriver.Chrome, demo: Demo) -> None:
    """Type a wrong password, then a login that nobody has."""
    log_in(browser, demo.address, ADA[0], "harbour demo lighthouse 1")
    wrong = seen(browser)
    log_in(browser, demo.address, "nobody@fenwick.example", ADA[1])
    assert seen(browser) == wrong
    assert "not right" in wrong


def overview_is_as_staff_see_it(browser: webdriver.Chrome, demo: Demo) -> None:
    """Compare the sums of October."""
    total = demo.bmadmin("usage", "list", ACCOUNT, *OCTOBER)["total"]
    assert total["events"] > 100
    text = seen(browser)
    assert "1\u201331 October 2026" in text
    for part in ("amount", "tax", "total"):
        assert exactly(total[part]) in text
    assert f"{total['events']} items" in text
    assert "All of it is on an invoice" in text
    assert "1000 national minutes" in text
    assert "+44 20 7946 0123" in text


def usage_and_reasons_are_as_staff_see_them(browser: webdriver.Chrome, demo: Demo) -> None:
    """Compare the newest fifty items of October, and the reasons of one that cost something."""
    used = demo.bmadmin("usage", "list", ACCOUNT, *OCTOBER, "--limit", "50")
    rows = browser.find_elements(By.CSS_SELECTOR, ".records tbody tr:not(.day)")
    assert len(rows) == len(used["items"]) == 50
    dear = next(n for n, item in enumerate(used["items"]) if Decimal(item["amount"]) > 0)
    item = used["items"][dear]
    assert item["amount"] in rows[dear].text
    follow(browser, rows[dear].find_element(By.PARTIAL_LINK_TEXT, "Why"))
    text = " ".join(seen(browser).split())
    assert item["amount"] in text
    for step in demo.bmadmin("charge", "explain", ACCOUNT, item["id"])["steps"]:
        assert step["title"] in text
        # What was passed over is for staff alone.
        told, _, _ = step["text"].partition(" Looked for in this order")
        assert " ".join(told.split()) in text
    assert "Looked for in this order" not in text


def invoice_is_as_staff_see_it(browser: webdriver.Chrome, demo: Demo) -> str:
    """Compare the list of invoices and every line of the latest; give its number."""
    follow_link(browser, "Invoices")
    kept = demo.bmadmin("invoice", "list", ACCOUNT)["invoices"]
    assert len(kept) == 3
    for invoice in kept:
        assert pounds(invoice["total"]) in seen(browser)
    number: str = kept[0]["number"]
    follow_link(browser, number)
    shown = demo.bmadmin("invoice", "show", ACCOUNT, number)["invoice"]
    lines = [line for line in shown["lines"] if line["kind"] != "TAX"]
    rows = browser.find_elements(By.CSS_SELECTOR, ".lines tbody tr")
    assert len(rows) == len(lines)
    assert sum(Decimal(line["amount"]) for line in lines) == Decimal(shown["net"])
    for row, line in zip(rows, lines, strict=True):
        assert line["description"] in row.text
        assert pounds(line["amount"]) in row.text
    text = seen(browser)
    for part in ("net", "tax", "total"):
        assert pounds(shown[part]) in text
    return number


@pytest.mark.browser
@pytest.mark.parametrize(("size", "scheme"), [(PHONE, "light"), (DESK, "dark")])
def test_every_page_fits_its_screen_and_breaks_no_rule(
    demo: Demo, open_browser: Any, size: tuple[int, int], scheme: str
) -> None:
    """On a phone and at a desk, by day and by night: nothing to scroll sideways, nothing blocked."""
    browser = open_browser(demo.authority, *size)
    metrics = {
        "width": size[0],
        "height": size[1],
        "deviceScaleFactor": 1,
        "mobile": size == PHONE,
    }
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    wish = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": wish})
    browser.get(demo.address + "/")
    fits(browser, size[0])
    log_in(browser, demo.address, *ADA)
    fits(browser, size[0])
    for path in PAGES:
        browser.get(f"{demo.address}/my/{path}")
        fits(browser, size[0])
    browser.get(f"{demo.address}/my/usage")
    follow_link(browser, "Why")
    for summary in browser.find_elements(By.TAG_NAME, "summary"):
        summary.click()
    fits(browser, size[0])
    browser.get(f"{demo.address}/my/invoices")
    follow(browser, browser.find_element(By.CSS_SELECTOR, ".records a"))
    fits(browser, size[0])
    browser.get(f"{demo.address}/my/nothing")
    fits(browser, size[0])
    assert complaints(browser) == []


def fits(browser: webdriver.Chrome, width: int) -> None:
    """See that the page is styled, has one heading, and is no wider than the screen."""
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert browser.execute_script("return document.styleSheets.length") == 1
    assert len(browser.find_elements(By.TAG_NAME, "h1")) == 1
    unlabelled = browser.execute_script(
        "return [...document.querySelectorAll('input:not([type=hidden])')].filter(i => !i.labels.length).length"
    )
    assert unlabelled == 0


def test_nobody_sees_what_is_another_customers(demo: Demo) -> None:
    """Ids taken from one customer's pages give another one what an id gives that never was."""
    ada, zoe = visitor(demo, ADA), visitor(demo, ZOE)
    charges = re.findall(
        r"/my/charge\?(id=[0-9-]+)", ada.ask("GET", "/my/usage?from=2026-10-01&to=2026-10-31")[2]
    )
    invoices = re.findall(r"/my/invoice\?(number=[^\"]+)", ada.ask("GET", "/my/invoices")[2])
    assert len(charges) == 50
    assert len(invoices) == 3
    for page, real, unreal in (
        ("charge", charges[:10], "id=1785744764000000-999999"),
        ("invoice", invoices, "number=HT-NEVER"),
    ):
        never = zoe.ask("GET", f"/my/{page}?{unreal}")
        assert never[0] == 404
        for query in real:
            assert ada.ask("GET", f"/my/{page}?{query}")[0] == 200
            other = zoe.ask("GET", f"/my/{page}?{query}")
            assert (other[0], other[2]) == (404, never[2])


def visitor(demo: Demo, who: tuple[str, str]) -> Visitor:
    """Give a customer who is logged in."""
    made = Visitor(demo.port, demo.authority)
    made.log_in(*who)
    return made


def test_every_answer_is_protected(demo: Demo) -> None:
    """Pages, redirects, errors and files: each tells the browser what it may not do, once."""
    ada, stranger = visitor(demo, ADA), Visitor(demo.port, demo.authority)
    wanted = [
        *((ada, "GET", f"/my/{page}", 200) for page in PAGES),
        (ada, "GET", "/my/", 303),
        (ada, "GET", "/my/usage?x=1", 400),
        (ada, "GET", "/my/nothing", 404),
        (ada, "PUT", "/my/login", 405),
        (ada, "TRACE", "/my/login", 405),
        (stranger, "GET", "/", 303),
        (stranger, "GET", "/my/login", 200),
        (stranger, "GET", "/my/overview", 303),
        (stranger, "POST", "/my/login", 403),
        (stranger, "GET", "/static/bmui.css", 200),
        (stranger, "GET", "/static/", 404),
        (stranger, "GET", "/static/../bmuid.conf", 404),
        (stranger, "GET", "/cgi-bin/bmui.py", 404),
    ]
    for who, method, path, status in wanted:
        got, headers, _ = who.ask(method, path)
        assert got == status, (method, path, got)
        for name, value in PROTECTION.items():
            assert headers.get_all(name) == [value], (path, name)
        policy = headers.get_all("Content-Security-Policy", [])
        assert len(policy) == 1, path
        assert "default-src 'none'" in policy[0]
        assert "frame-ancestors 'none'" in policy[0]
        assert headers["Server"] is None
        kept = "public, max-age=3600" if path == "/static/bmui.css" else "no-store"
        assert headers.get_all("Cache-Control") == [kept], path


def test_a_session_is_over_when_the_customer_says_so(demo: Demo) -> None:
    """After logging out the old cookie opens nothing, wherever it was copied to."""
    ada = visitor(demo, ADA)
    _, _, page = ada.ask("GET", "/my/overview")
    proof = re.search(r'name="csrf" value="([^"]+)"', page)
    assert proof
    assert ada.post("/my/logout", {"csrf": "x" * 43})[0] == 400
    assert ada.ask("GET", "/my/overview")[0] == 200
    status, headers, _ = ada.post("/my/logout", {"csrf": proof[1]})
    assert (status, headers["Clear-Site-Data"]) == (303, '"cache", "storage"')
    status, headers, _ = ada.ask("GET", "/my/overview")
    assert (status, headers["Location"]) == (303, "/my/login?notice=ended")


@contextmanager
def foreign_page(html: str) -> Iterator[str]:
    """Serve one page of another site; give its address."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(html.encode())

        def log_message(self, *_: object) -> None:
            """Keep the test's output clean."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.browser
def test_another_site_cannot_log_a_customer_out(demo: Demo, open_browser: Any) -> None:
    """A form elsewhere that posts to the portal is refused, even with the right proof."""
    browser = open_browser(demo.authority, *DESK)
    log_in(browser, demo.address, *ADA)
    proof = browser.find_element(By.NAME, "csrf").get_attribute("value")
    form = (
        f'<form method="post" action="{demo.address}/my/logout">'
        f'<input name="csrf" value="{proof}"><button>Win</button></form>'
    )
    with foreign_page(form) as address:
        browser.get(address)
        follow(browser, browser.find_element(By.TAG_NAME, "button"))
        assert "Not from these pages" in seen(browser)
    browser.get(demo.address + "/my/overview")
    assert "Fenwick" in browser.page_source


def test_the_embedded_web_host_refuses_what_no_page_sends(demo: Demo) -> None:
    """Bodies too long or of unknown length never reach the script."""
    stranger = Visitor(demo.port, demo.authority)
    kind = {"Content_Type": "application/x-www-form-urlencoded", "Sec_Fetch_Site": "same-origin"}
    assert stranger.ask("POST", "/my/login", "a" * 65537, **kind)[0] == 413
    assert stranger.ask("POST", "/my/login", Transfer_Encoding="chunked", **kind)[0] == 411
    assert stranger.ask("GET", "/my/a%00b")[0] == 404
    assert stranger.ask("GET", "/my/login", Proxy="http://127.0.0.1:9")[0] == 200
