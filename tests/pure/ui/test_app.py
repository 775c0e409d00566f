"""What a browser gets for what it sends."""

import io
from urllib.parse import urlencode

import pytest
from fake_door import CSRF, TOKEN, FakeDoor

from bmu.ui.answer import AnswerError, Part
from bmu.ui.app import PAGES, answer
from bmu.ui.client import AwayError
from bmu.ui.exchange import HEADERS, Request, Response
from bmu.ui.settings import Settings

SETTINGS = Settings("/nowhere", "Harbour Telecom Ltd", "/static")
COOKIE = f"__Host-bm={TOKEN}"
OURS = {"HTTP_HOST": "shop.example", "HTTP_SEC_FETCH_SITE": "same-origin"}


def get(door: FakeDoor, path: str, query: str = "", cookie: str = COOKIE) -> Response:
    """Send a GET as a web server hands it over."""
    environ = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "/my",
        "PATH_INFO": "/" + path,
        "QUERY_STRING": query,
        "HTTP_COOKIE": cookie,
    }
    return answer(Request(environ), SETTINGS, door.ask, io.BytesIO().read)


def post(door: FakeDoor, path: str, form: dict[str, str] | str, **headers: str) -> Response:
    """Send a form as a web server hands it over."""
    body = (form if isinstance(form, str) else urlencode(form)).encode()
    environ = {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "/my",
        "PATH_INFO": "/" + path,
        "CONTENT_TYPE": "application/x-www-form-urlencoded",
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_COOKIE": COOKIE,
        **OURS,
        **headers,
    }
    return answer(Request(environ), SETTINGS, door.ask, io.BytesIO(body).read)


def header(response: Response, name: str) -> str:
    """Give a header's value, "" where there is none."""
    return dict(response.headers).get(name, "")


LOGIN = {"login": " Ada@fenwick.example ", "password": "harbour demo"}


def test_logging_in_hands_the_browser_its_session_and_leads_to_the_overview() -> None:
    """Whoever knows the password gets in; the session goes to this host alone and out of scripts' reach."""
    door = FakeDoor()
    response = post(door, "login", LOGIN)
    assert (response.status, header(response, "Location")) == (303, "/my/overview")
    assert header(response, "Set-Cookie") == (
        f"__Host-bm={TOKEN}; Path=/; Secure; HttpOnly; SameSite=Lax"
    )
    assert door.asked == [
        ("login_open", {"login": "Ada@fenwick.example", "password": "harbour demo"})
    ]


def test_a_wrong_password_reads_like_an_unknown_login() -> None:
    """The page does not tell which logins exist, nor give the password back."""
    door = FakeDoor()
    door.answers["login_open"] = "LOGIN_REFUSED"
    one, other = post(door, "login", LOGIN), post(door, "login", {**LOGIN, "password": "x" * 20})
    assert one.status == other.status == 403
    assert one.body == other.body
    assert "harbour demo" not in one.body
    assert "not right" in one.body
    assert header(one, "Set-Cookie") == ""


@pytest.mark.parametrize("password", ["", "a\u202eb", "a\nb", "\ufffe"])
def test_a_password_that_nobody_can_have_is_refused_like_a_wrong_one(password: str) -> None:
    """Odd characters or none at all get the same answer, not an error page."""
    assert post(FakeDoor(), "login", {**LOGIN, "password": password}).status in {400, 403}


def test_a_password_typed_on_another_keyboard_is_the_same_password() -> None:
    """An "é" of two code points reaches the daemon as the one it was set with."""
    door = FakeDoor()
    post(door, "login", {**LOGIN, "password": "cafe\u0301"})
    assert door.asked[0][1]["password"] == "caf\u00e9"


@pytest.mark.parametrize(
    "path", ["overview", "usage", "invoices", "charge?id=1-1", "invoice?number=HT-1"]
)
@pytest.mark.parametrize(
    "cookie", ["", "__Host-bm=short", f"{COOKIE}; {COOKIE}", f"other={TOKEN}", COOKIE + "'"]
)
def test_without_a_session_every_page_leads_to_the_login(path: str, cookie: str) -> None:
    """No cookie, a malformed one or two of them: the daemon is not even asked."""
    door = FakeDoor()
    response = (
        get(door, *path.split("?"), cookie=cookie)
        if "?" in path
        else get(door, path, cookie=cookie)
    )
    assert (response.status, header(response, "Location")) == (303, "/my/login")
    assert door.asked == []


def test_what_a_page_adds_up_makes_its_total() -> None:
    """A call of 9.5 pence with 1.9 pence tax: three figures rounded each for itself would not add up."""
    door = FakeDoor()
    sums = {"amount": "0.095", "tax": "0.019", "total": "0.114", "events": 1}
    door.answers["overview_show"] |= {"used": sums, "unbilled": sums}
    door.answers["usage_list"]["total"] = sums

    usage, overview = get(door, "usage").body, get(door, "overview").body

    for name, shown in (("Cost before tax", "£0.095"), ("Tax", "£0.019"), ("Total", "£0.114")):
        assert f"<dt>{name}</dt><dd>{shown}</dd>" in usage
    assert '<p class="sum">£0.114</p>' in overview
    assert "1 item: £0.095 and £0.019 tax" in overview


def test_what_was_carried_over_is_told_from_the_month_s_own() -> None:
    """Both have one name: the customer sees which of them is used up."""
    page = get(FakeDoor(), "overview").body

    assert "<span>1000 national minutes</span>" in page
    assert "<span>1000 national minutes, carried over</span>" in page


@pytest.mark.parametrize("path", ["overview", "usage", "invoices"])
def test_an_ended_session_leads_to_the_login_with_a_word_why(path: str) -> None:
    """After a quarter of an hour away one reads why one has to log in again."""
    door = FakeDoor()
    door.answers = dict.fromkeys(door.answers, "SESSION_ENDED")
    response = get(door, path)
    assert (response.status, header(response, "Location")) == (303, "/my/login?notice=ended")
    assert "Max-Age=0" in header(response, "Set-Cookie")
    assert "Your session has ended" in get(door, "login", "notice=ended").body


def test_logging_out_ends_the_session_and_empties_the_browser() -> None:
    """After logging out nothing is kept, and the session is ended where it counts."""
    door = FakeDoor()
    response = post(door, "logout", {"csrf": CSRF})
    assert door.asked == [("login_close", {"token": TOKEN, "csrf": CSRF})]
    assert header(response, "Location") == "/my/login?notice=out"
    assert "Max-Age=0" in header(response, "Set-Cookie")
    assert header(response, "Clear-Site-Data") == '"cache", "storage"'


@pytest.mark.parametrize("path", ["logout", "login"])
@pytest.mark.parametrize(
    "headers",
    [
        {"HTTP_SEC_FETCH_SITE": "cross-site"},
        {"HTTP_SEC_FETCH_SITE": "same-site"},
        {"HTTP_SEC_FETCH_SITE": "none"},
        {"HTTP_SEC_FETCH_SITE": "same-origin", "HTTP_ORIGIN": "https://evil.example"},
        {"HTTP_SEC_FETCH_SITE": "", "HTTP_ORIGIN": "https://evil.example"},
        {"HTTP_SEC_FETCH_SITE": "", "HTTP_ORIGIN": "http://shop.example"},
        {"HTTP_SEC_FETCH_SITE": "", "HTTP_ORIGIN": "null"},
        {"HTTP_SEC_FETCH_SITE": "", "HTTP_ORIGIN": ""},
    ],
)
def test_a_form_of_another_site_does_nothing(path: str, headers: dict[str, str]) -> None:
    """A page elsewhere can neither log somebody in nor out."""
    door = FakeDoor()
    assert (
        post(door, path, {**LOGIN} if path == "login" else {"csrf": CSRF}, **headers).status == 403
    )
    assert door.asked == []


def test_an_old_browser_that_names_only_its_origin_may_log_in() -> None:
    """Without Sec-Fetch-Site the origin decides."""
    headers = {"HTTP_SEC_FETCH_SITE": "", "HTTP_ORIGIN": "https://shop.example"}
    assert post(FakeDoor(), "login", LOGIN, **headers).status == 303


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("usage", "from=2026-10-01&from=2026-10-02"),
        ("usage", "form=2026-10-01"),
        ("usage", "from=2026-1-01"),
        ("usage", "from=%32%30%32%36-10-0%"),
        ("usage", "from=%ff%ff"),
        ("usage", "token=" + TOKEN),
        ("usage", "&".join(f"a{n}=1" for n in range(40))),
        ("charge", ""),
        ("charge", "id=-1"),
        ("charge", "id=1-2-3"),
        ("charge", "id=1%00-2"),
        ("charge", "id=" + "1" * 20 + "-1"),
        ("invoice", "number=a%20b"),
        ("overview", "debug=1"),
    ],
)
def test_what_no_link_of_ours_says_is_not_understood(path: str, query: str) -> None:
    """Parameters that are unknown, given twice or misshapen never reach the daemon."""
    door = FakeDoor()
    assert get(door, path, query).status == 400
    assert door.asked == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "logout", 405),
        ("POST", "overview", 405),
        ("HEAD", "overview", 405),
        ("PUT", "login", 405),
        ("TRACE", "", 405),
        ("GET", "admin", 404),
        ("GET", "overview/../usage", 404),
        ("GET", "overview.html", 404),
    ],
)
def test_only_the_pages_are_there_and_only_as_they_are_meant(
    method: str, path: str, status: int
) -> None:
    """Nothing changes by a GET, and there is nothing beside the pages."""
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": "/" + path,
        "HTTP_COOKIE": COOKIE,
        "CONTENT_TYPE": "application/x-www-form-urlencoded",
        "CONTENT_LENGTH": "0",
        **OURS,
    }
    door = FakeDoor()
    response = answer(Request(environ), SETTINGS, door.ask, io.BytesIO().read)
    assert response.status == status
    assert door.asked == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"CONTENT_LENGTH": "65537"}, 413),
        ({"CONTENT_LENGTH": "-1"}, 413),
        ({"CONTENT_LENGTH": "1e3"}, 413),
        ({"CONTENT_LENGTH": ""}, 411),
        ({"CONTENT_TYPE": "multipart/form-data; boundary=x"}, 415),
        ({"CONTENT_TYPE": "application/json"}, 415),
        ({"QUERY_STRING": "login=ada"}, 415),
    ],
)
def test_a_body_that_is_no_form_of_ours_is_not_read(headers: dict[str, str], status: int) -> None:
    """Too long, of another kind, or of no known length: refused before a single octet is read."""

    def read(count: int) -> bytes:
        raise AssertionError(count)

    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/login",
        "CONTENT_TYPE": "application/x-www-form-urlencoded",
        "CONTENT_LENGTH": "10",
        **OURS,
        **headers,
    }
    assert answer(Request(environ), SETTINGS, FakeDoor().ask, read).status == status


def test_the_last_day_chosen_is_part_of_what_is_shown() -> None:
    """From 1 to 31 October means the whole of the 31st."""
    door = FakeDoor()
    body = get(door, "usage", "from=2026-10-01&to=2026-10-31").body
    assert door.asked == [
        ("usage_list", {"token": TOKEN, "limit": "50", "from": "2026-10-01", "to": "2026-11-01"})
    ]
    assert 'value="2026-10-31"' in body
    assert "1\u201331 October 2026" in body


def test_days_in_the_wrong_order_are_told_as_that() -> None:
    """Who mixes up the two days reads what is wrong with them."""
    door = FakeDoor()
    door.answers["usage_list"] = "BAD_ARGUMENT"
    response = get(door, "usage", "from=2026-10-31&to=2026-10-01")
    assert response.status == 400
    assert "may not come after" in response.body


def test_more_usage_is_one_link_away_and_keeps_the_days_chosen() -> None:
    """The next page is of the same days."""
    body = get(FakeDoor(), "usage").body
    assert "/my/usage?from=2026-10-01&amp;to=2026-10-31&amp;cursor=1785744764000000-41" in body


def test_one_goes_from_month_to_month_as_far_as_there_are_any() -> None:
    """Between the first month and the present one the overview leads both ways, at the ends one."""
    door = FakeDoor()
    body = get(door, "overview", "day=2026-10-07").body
    assert door.asked == [("overview_show", {"token": TOKEN, "day": "2026-10-07"})]
    assert "/my/overview?day=2026-09-01" in body
    assert "/my/overview?day=2026-11-01" in body
    door.answers["overview_show"]["period"] = {"from": "2026-11-01", "to": "2026-12-01"}
    body = get(door, "overview").body
    assert "/my/overview?day=2026-10-01" in body
    assert ">Later<" not in body


def test_what_is_not_yours_is_not_there() -> None:
    """An invoice of somebody else and one that never was give the same page."""
    door = FakeDoor()
    door.answers["invoice_show"] = "NOT_FOUND"
    one, other = get(door, "invoice", "number=HT-1"), get(door, "invoice", "number=HT-2")
    assert one.status == other.status == 404
    assert one.body == other.body


@pytest.mark.parametrize("error", [AwayError("ConnectionRefusedError"), AnswerError("no text x")])
def test_when_the_daemon_is_away_the_page_says_so_and_the_log_why(error: Exception) -> None:
    """A customer reads plain words and that nothing is lost; the reason is for the operator."""

    def ask(*_: object) -> Part:
        raise error

    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/overview", "HTTP_COOKIE": COOKIE}
    response = answer(Request(environ), SETTINGS, ask, io.BytesIO().read)
    assert response.status == 503
    assert header(response, "Retry-After")
    assert "Nothing is lost" in response.body
    assert str(error) not in response.body
    assert response.note == str(error)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("BUSY", 503),
        ("UNAVAILABLE", 503),
        ("FAILED", 503),
        ("BAD_ARGUMENT", 400),
        ("BAD_CSRF", 400),
    ],
)
def test_other_refusals_have_a_page_each(code: str, status: int) -> None:
    """Whatever the daemon refuses, the customer gets a page that says where to go."""
    door = FakeDoor()
    door.answers["usage_list"] = code
    response = get(door, "usage", "from=2026-02-30&to=2026-02-31")
    assert response.status == status
    assert "/my/overview" in response.body


@pytest.mark.parametrize("path", [p for p in PAGES if "GET" in PAGES[p]])
def test_every_answer_carries_the_same_protection(path: str) -> None:
    """No script, no frame, no copy kept, no word to other sites; on each page and each error."""
    query = {"charge": "id=1-1", "invoice": "number=HT-1"}.get(path, "")
    for response in (get(FakeDoor(), path, query), get(FakeDoor(), path, "bad")):
        head = response.octets().split(b"\r\n\r\n")[0].decode()
        for name, value in HEADERS:
            assert head.count(f"{name}: {value}") == 1
        assert "default-src 'none'" in head
        assert "unsafe" not in head


def test_a_header_never_takes_a_line_break() -> None:
    """What a request brings can't add a header to the answer."""
    response = Response(303, "", (("Location", "/my/\r\nSet-Cookie: x"),))
    with pytest.raises(AssertionError):
        response.octets()
