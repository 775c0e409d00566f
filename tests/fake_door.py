"""The daemon as the pages see it: answers of one customer's account, fixed; for tests of the pages alone."""

import copy
from dataclasses import dataclass, field

from bmu.ui.answer import Part
from bmu.ui.client import RefusedError

TOKEN = "T" * 43
CSRF = "c" * 43

ACCOUNT = {
    "number": "A1001",
    "name": "Fenwick & Daughters Ltd",
    "currency": "GBP",
    "time_zone": "Europe/London",
}
INVOICE = {
    "number": "HT-000031",
    "kind": "INVOICE",
    "from": "2026-09-01",
    "to": "2026-10-01",
    "issued_on": "2026-10-01",
    "due_on": "2026-10-15",
    "net": "1058.10",
    "tax": "211.62",
    "total": "1269.72",
    "currency": "GBP",
}
ITEM = {
    "id": "1785744764000000-41",
    "started_at": "2026-10-30T16:00:00Z",
    "started_local": "2026-10-30T17:00:00+01:00",
    "class": "Telephone calls",
    "uid": "442079460123",
    "origin": "442079460123",
    "destination": "33199001234",
    "location": "France",
    "unit": "TIME",
    "quantity": 203,
    "rounded": 205,
    "billable": 145,
    "amount": "0.0448",
    "tax": "0.00896",
}
CHARGED = {"csrf": CSRF, "account": ACCOUNT}
ANSWERS: dict[str, dict[str, object]] = {
    "login_open": {"token": TOKEN, "csrf": CSRF, "account": ACCOUNT},
    "login_close": {},
    "overview_show": {
        **CHARGED,
        "period": {"from": "2026-10-01", "to": "2026-11-01"},
        "used": {"amount": "37.41518", "tax": "7.483", "total": "44.89818", "events": 612},
        "unbilled": {"amount": "37.41518", "tax": "7.483", "total": "44.89818", "events": 612},
        "days": [
            {"day": "2026-10-02", "amount": "3.2", "events": 20},
            {"day": "2026-10-05", "amount": "0.0125", "events": 1},
        ],
        "buckets": [
            {
                "name": "1000 national minutes",
                "kind": "USAGE",
                "part": "ALLOTMENT",
                "unit": "TIME",
                "granted": 60000,
                "balance": 22230,
                "from": "2026-10-01",
                "to": "2026-11-01",
                "service": "Business 1000",
            },
            {
                "name": "1000 national minutes",
                "kind": "USAGE",
                "part": "CARRIED",
                "unit": "TIME",
                "granted": 6000,
                "balance": 0,
                "from": "2026-10-01",
                "to": "2026-11-01",
                "service": "Business 1000",
            },
        ],
        "services": [
            {
                "package": "BUSINESS-1000",
                "name": "Business 1000",
                "price": "24",
                "uids": [{"type": "phone", "value": "442079460123"}],
            }
        ],
        "last_invoice": INVOICE,
        "by_period": [
            {
                "name": "Requests",
                "of": "SERVICE",
                "unit": "COUNT",
                "events": 2,
                "quantity": 250,
                "amount": "400",
                "tax": "80",
                "total": "480",
                "reasons": [{"title": "What is counted", "text": "All of the period: 250."}],
            }
        ],
        "periods": [
            {"from": "2026-11-01", "to": "2026-12-01"},
            {"from": "2026-10-01", "to": "2026-11-01"},
            {"from": "2026-09-01", "to": "2026-10-01"},
        ],
    },
    "usage_list": {
        **CHARGED,
        "from": "2026-10-01",
        "to": "2026-11-01",
        "items": [ITEM],
        "cursor": "1785744764000000-41",
        "total": {"amount": "37.41518", "tax": "7.483", "total": "44.89818", "events": 612},
    },
    "charge_explain": {
        **CHARGED,
        "charge": ITEM,
        "steps": [{"title": "Where to", "text": "33 is the longest prefix known: France."}],
        "evidence": {"rate_id": 7, "draws": [{"bucket_id": 3, "quantity": 60}]},
    },
    "invoice_list": {**CHARGED, "invoices": [INVOICE]},
    "invoice_show": {
        **CHARGED,
        "invoice": {
            **INVOICE,
            "customer_name": "Fenwick & Daughters Ltd",
            "lines": [
                {
                    "kind": "USAGE",
                    "description": "Telephone calls: France",
                    "events": 1,
                    "unit": "TIME",
                    "quantity": 9240,
                    "included": 60,
                    "tax_percent": "20",
                    "amount": "25.29",
                },
                {
                    "kind": "TAX",
                    "description": "VAT 20%",
                    "events": None,
                    "unit": None,
                    "quantity": None,
                    "included": None,
                    "tax_percent": "20",
                    "amount": "211.62",
                },
            ],
        },
        "company": {"name": "Harbour Telecom Ltd", "country": "GB"},
    },
}


@dataclass
class FakeDoor:
    """What was asked, in order, and the answers to give; a text in their place is a refusal's code."""

    answers: dict[str, dict[str, object] | str] = field(
        default_factory=lambda: dict(copy.deepcopy(ANSWERS))
    )
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def ask(self, operation: str, arguments: dict[str, str]) -> Part:
        """Answer as the daemon would."""
        self.asked.append((operation, arguments))
        answer = self.answers[operation]
        if isinstance(answer, str):
            raise RefusedError(answer)
        return Part.of(answer)
