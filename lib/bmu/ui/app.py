"""One request in, one page out."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bmu.ui import pages, show
from bmu.ui.answer import AnswerError, Part
from bmu.ui.client import AwayError, RefusedError
from bmu.ui.exchange import (
    BODY_OCTETS_MAX,
    FORM_TYPE,
    WITHOUT_SESSION,
    Request,
    Response,
    with_session,
)
from bmu.ui.forms import (
    Check,
    FormError,
    is_charge,
    is_day,
    is_name,
    is_number,
    is_token,
    is_typed,
    read_form,
    session_token,
)
from bmu.ui.runtime import render
from bmu.ui.settings import Settings
from bmu.wire.text import is_clean

Ask = Callable[[str, dict[str, str]], Part]
NAVIGATION = (("overview", "Overview"), ("usage", "Usage"), ("invoices", "Invoices"))
# Pages that are reached from one of these and belong with it.
WITHIN = {"charge": "usage", "invoice": "invoices"}
NOTICES = {
    "ended": "Your session has ended. Please log in again.",
    "out": "You are logged out.",
}
REFUSED = (
    "The login or the password is not right. After some wrong tries you have to wait a little."
)

BAD_RANGE = (
    "These days can't be shown",
    "The first day may not come after the last one, and they may lie a year apart at most.",
)
PROBLEMS = {
    400: (
        "That was not understood",
        "The address or the form holds something that these pages do not use. Nothing was done.",
    ),
    403: (
        "Not from these pages",
        "The form did not come from our own pages, so nothing was done. Please try again from here.",
    ),
    404: ("Not found", "There is nothing here, or it is not part of your account."),
    405: ("That was not understood", "This address does not take what was sent to it."),
    411: ("That was not understood", "The form came without its length. Nothing was done."),
    413: ("Too much at once", "What was sent is longer than any form of these pages."),
    415: ("That was not understood", "What was sent is not a form of these pages."),
    503: (
        "Back in a moment",
        "Your account can't be reached just now. Nothing is lost; please try again in a minute.",
    ),
}

# What the daemon says when the fault is on its side, such as a database that is away.
FAILED_THERE = frozenset({"UNAVAILABLE", "OUTCOME_UNKNOWN", "FAILED"})


class Visit:
    """One request on its way to its page: what was sent, checked, and whom to ask."""

    __slots__ = ("ask", "fields", "request", "settings", "token")

    def __init__(self, request: Request, settings: Settings, ask: Ask) -> None:
        self.request = request
        self.settings = settings
        self.ask = ask
        self.fields: dict[str, str] = {}
        self.token = session_token(request.cookie)

    def page(
        self,
        template: str,
        values: Mapping[str, object],
        status: int = 200,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> Response:
        """Give the page of *template* within the layout."""
        frame = {
            "base": self.request.base,
            "static": self.settings.static,
            "company": self.settings.company,
            "csrf": "",
            "nav": [
                {"path": path, "text": text, "current": self._current(path)}
                for path, text in NAVIGATION
            ],
        }
        return Response(status, render(template, {**frame, **values}), headers)

    def _current(self, path: str) -> str:
        if path == self.request.path:
            return "page"
        return "true" if path == WITHIN.get(self.request.path) else ""

    def private_page(self, template: str, values: Mapping[str, object], answer: Part) -> Response:
        """Give a page of the account that *answer* is about, with the ways onward and out."""
        account = answer.part("account")
        who = {
            "csrf": answer.text("csrf"),
            "account_name": account.text("name"),
            "account_number": account.text("number"),
        }
        return self.page(template, {**who, **values})

    def redirect(self, path: str, *headers: tuple[str, str]) -> Response:
        """Send the browser to another page of ours."""
        return Response(303, "", (("Location", f"{self.request.base}/{path}"), *headers))

    def problem(
        self, status: int, *headers: tuple[str, str], words: tuple[str, str] | None = None
    ) -> Response:
        """Say what went wrong, and where to go from here."""
        title, text = words or PROBLEMS[status]
        return self.page(
            "problem.html",
            {
                "title": title,
                "text": text,
                "status": status,
                "way_path": "overview",
                "way_text": "Try again" if status == 503 else "To the overview",
            },
            status,
            headers,
        )


def home(visit: Visit) -> Response:
    """Lead to the overview."""
    return visit.redirect("overview")


def login_form(visit: Visit) -> Response:
    """Show the form to log in."""
    notice = NOTICES.get(visit.fields.get("notice", ""), "")
    return _login_page(visit, 200, notice=notice)


def _login_page(visit: Visit, status: int, notice: str) -> Response:
    values = {
        "title": "Log in",
        "notice": notice,
        "alarm": "yes" if status != 200 else "",
        "login": visit.fields.get("login", ""),
    }
    return visit.page("login.html", values, status)


def login(visit: Visit) -> Response:
    """Log in; wrong login, wrong password and too many tries look the same."""
    typed = {name: _normal(visit.fields.get(name, "")) for name in ("login", "password")}
    typed["login"] = typed["login"].strip()
    if not all(value and is_clean(value) for value in typed.values()):
        return _login_page(visit, 403, notice=REFUSED)
    try:
        opened = visit.ask("login_open", typed)
    except RefusedError as refused:
        if refused.code != "LOGIN_REFUSED":
            raise
        return _login_page(visit, 403, notice=REFUSED)
    token = opened.text("token")
    if not is_token(token):
        raise AnswerError("the token is not of its shape")
    return visit.redirect("overview", with_session(token))


def _normal(text: str) -> str:
    if text.isascii():
        return text
    # Few logins need it, and each page would pay for loading it.
    from unicodedata import normalize  # noqa: PLC0415

    return normalize("NFC", text)


def logout(visit: Visit) -> Response:
    """End the session, here and in the browser; one that has ended before is as good."""
    try:
        visit.ask(
            "login_close", {"token": visit.token or "", "csrf": visit.fields.get("csrf", "")}
        )
    except RefusedError as refused:
        if refused.code != "SESSION_ENDED":
            raise
    forget = ("Clear-Site-Data", '"cache", "storage"')
    return visit.redirect("login?notice=out", WITHOUT_SESSION, forget)


def overview(visit: Visit) -> Response:
    """Show where the account stands."""
    answer = visit.ask("overview_show", {"token": visit.token or "", **visit.fields})
    return visit.private_page("overview.html", pages.overview(answer), answer)


def usage(visit: Visit) -> Response:
    """Show what was used; the form's last day is included, the daemon's end is not."""
    fields = visit.fields
    arguments = {"token": visit.token or "", "limit": "50", **fields}
    if "to" in fields:
        arguments["to"] = show.day_after(fields["to"])
    try:
        answer = visit.ask("usage_list", arguments)
    except RefusedError as refused:
        if refused.code != "BAD_ARGUMENT":
            raise
        return visit.problem(400, words=BAD_RANGE)
    return visit.private_page("usage.html", pages.usage(answer, fields), answer)


def charge(visit: Visit) -> Response:
    """Show why a charge is what it is."""
    answer = visit.ask("charge_explain", {"token": visit.token or "", **visit.fields})
    return visit.private_page("charge.html", pages.charge(answer), answer)


def invoices(visit: Visit) -> Response:
    """Show the invoices."""
    answer = visit.ask("invoice_list", {"token": visit.token or ""})
    return visit.private_page("invoices.html", pages.invoices(answer), answer)


def invoice(visit: Visit) -> Response:
    """Show one invoice."""
    answer = visit.ask("invoice_show", {"token": visit.token or "", **visit.fields})
    return visit.private_page("invoice.html", pages.invoice(answer), answer)


class Page:
    """A page: which parameters it takes, which it can't do without, and whether it needs a session."""

    __slots__ = ("fields", "private", "required", "run")

    def __init__(
        self,
        run: Callable[[Visit], Response],
        fields: Mapping[str, Check] | None = None,
        required: tuple[str, ...] = (),
        *,
        private: bool = True,
    ) -> None:
        self.run = run
        self.fields = fields or {}
        self.required = required
        self.private = private


PAGES = {
    "": {"GET": Page(home, private=False)},
    "login": {
        "GET": Page(login_form, {"notice": is_name}, private=False),
        "POST": Page(login, {"login": is_typed, "password": is_typed}, private=False),
    },
    "logout": {"POST": Page(logout, {"csrf": is_name}, ("csrf",))},
    "overview": {"GET": Page(overview, {"day": is_day})},
    "usage": {"GET": Page(usage, {"from": is_day, "to": is_day, "cursor": is_charge})},
    "charge": {"GET": Page(charge, {"id": is_charge}, ("id",))},
    "invoices": {"GET": Page(invoices)},
    "invoice": {"GET": Page(invoice, {"number": is_number}, ("number",))},
}


def answer(
    request: Request, settings: Settings, ask: Ask, read: Callable[[int], bytes]
) -> Response:
    """
    Answer one request.

    Shapes:
        ask: performs an operation of the daemon; RefusedError, AwayError.
        read: gives the octets of the request's body, at most as many as asked for.
    """
    visit = Visit(request, settings, ask)
    methods = PAGES.get(request.path)
    if methods is None:
        return visit.problem(404)
    page = methods.get(request.method)
    if page is None:
        return visit.problem(405, ("Allow", ", ".join(methods)))
    text = request.query
    if request.method == "POST":
        fault = _post_fault(request)
        if fault:
            return visit.problem(fault)
        text = read(request.length or 0).decode("ascii", "replace")
    try:
        visit.fields = read_form(text, page.fields)
    except FormError:
        return visit.problem(400)
    return _perform(visit, page)


def _post_fault(request: Request) -> int:
    if not request.is_ours:
        return 403
    if request.form_type != FORM_TYPE or request.query:
        return 415
    if request.length is None:
        return 411
    return 0 if 0 <= request.length <= BODY_OCTETS_MAX else 413


def _perform(visit: Visit, page: Page) -> Response:
    if page.private and visit.token is None:
        return visit.redirect("login")
    if not all(name in visit.fields for name in page.required):
        return visit.problem(400)
    try:
        return page.run(visit)
    except RefusedError as refused:
        return _refusal(visit, refused.code)
    except (AwayError, AnswerError) as error:
        response = visit.problem(503, ("Retry-After", "60"))
        response.note = str(error)
        return response


def _refusal(visit: Visit, code: str) -> Response:
    if code == "SESSION_ENDED":
        return visit.redirect("login?notice=ended", WITHOUT_SESSION)
    if code == "NOT_FOUND":
        return visit.problem(404)
    if code == "BUSY":
        return visit.problem(503, ("Retry-After", "10"))
    if code in FAILED_THERE:
        return visit.problem(503, ("Retry-After", "60"))
    return visit.problem(400)
