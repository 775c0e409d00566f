"""Who may ask what, and what customers and staff are told."""

from decimal import Decimal

import pytest
from asking import BY_NAME, Asking
from conftest import Database
from two_customers import ADA, BERT, CALLS, FIRST_CALL, furnish

from bmuid.operations.registry import Audit, DatabaseRole, Door, Role, forms
from bmuid.operations.table import OPERATIONS

READ = "SOURCE- VISITOR- CUSTOMER- AUDITOR+ CLERK+ ADMIN+"
CLERK = "SOURCE- VISITOR- CUSTOMER- AUDITOR- CLERK+ ADMIN+"
ADMIN = "SOURCE- VISITOR- CUSTOMER- AUDITOR- CLERK- ADMIN+"
OWN = "SOURCE- VISITOR- CUSTOMER+ AUDITOR- CLERK- ADMIN-"
ANYBODY = "SOURCE- VISITOR+ CUSTOMER- AUDITOR- CLERK- ADMIN-"
SOURCE = "SOURCE+ VISITOR- CUSTOMER- AUDITOR- CLERK- ADMIN-"

# The authorisation matrix, looked through by people: door, operation, who may, and whether it leaves an audit row.
MATRIX = {
    ("PUBLIC", "login_open", ANYBODY, "CHANGE"),
    ("PUBLIC", "login_close", OWN, "CHANGE"),
    ("PUBLIC", "overview_show", OWN, "NONE"),
    ("PUBLIC", "usage_list", OWN, "NONE"),
    ("PUBLIC", "charge_explain", OWN, "NONE"),
    ("PUBLIC", "invoice_list", OWN, "NONE"),
    ("PUBLIC", "invoice_show", OWN, "NONE"),
    ("ADMIN", "account_add", CLERK, "CHANGE"),
    ("ADMIN", "account_exempt", CLERK, "CHANGE"),
    ("ADMIN", "account_list", READ, "NONE"),
    ("ADMIN", "account_set", CLERK, "CHANGE"),
    ("ADMIN", "account_show", READ, "NONE"),
    ("ADMIN", "accounts_load", ADMIN, "CHANGE"),
    ("ADMIN", "alarm_check", READ, "NONE"),
    ("ADMIN", "alarm_clear", CLERK, "CHANGE"),
    ("ADMIN", "alarm_list", READ, "NONE"),
    ("ADMIN", "pull_list", READ, "NONE"),
    ("ADMIN", "audit_list", READ, "NONE"),
    ("ADMIN", "audit_verify", READ, "NONE"),
    ("ADMIN", "bill_list", READ, "NONE"),
    ("ADMIN", "bill_run", ADMIN, "CHANGE"),
    ("ADMIN", "bill_show", READ, "NONE"),
    ("ADMIN", "catalogue_check", READ, "NONE"),
    ("ADMIN", "catalogue_dump", READ, "NONE"),
    ("ADMIN", "catalogue_load", ADMIN, "CHANGE"),
    ("ADMIN", "catalogue_rows", READ, "NONE"),
    ("ADMIN", "catalogue_show", READ, "NONE"),
    ("ADMIN", "charge_explain", READ, "NONE"),
    ("ADMIN", "company_show", READ, "NONE"),
    ("ADMIN", "credit_set", CLERK, "CHANGE"),
    ("ADMIN", "credit_show", READ, "NONE"),
    ("ADMIN", "deck_load", ADMIN, "CHANGE"),
    ("ADMIN", "deck_preview", READ, "NONE"),
    ("ADMIN", "file_dismiss", CLERK, "CHANGE"),
    ("ADMIN", "file_hold", CLERK, "CHANGE"),
    ("ADMIN", "file_list", READ, "NONE"),
    ("ADMIN", "file_progress", READ, "NONE"),
    ("ADMIN", "file_rejects", READ, "NONE"),
    ("ADMIN", "file_release", CLERK, "CHANGE"),
    ("ADMIN", "file_replay", CLERK, "CHANGE"),
    ("ADMIN", "file_retry", CLERK, "CHANGE"),
    ("ADMIN", "file_show", READ, "NONE"),
    ("ADMIN", "invoice_list", READ, "NONE"),
    ("ADMIN", "invoice_show", READ, "NONE"),
    ("ADMIN", "late_usage_set", ADMIN, "CHANGE"),
    ("ADMIN", "late_usage_show", READ, "NONE"),
    ("ADMIN", "login_add", ADMIN, "CHANGE"),
    ("ADMIN", "login_disable", ADMIN, "CHANGE"),
    ("ADMIN", "login_enable", ADMIN, "CHANGE"),
    ("ADMIN", "login_list", READ, "NONE"),
    ("ADMIN", "login_password", ADMIN, "CHANGE"),
    ("ADMIN", "reconcile_show", READ, "NONE"),
    ("ADMIN", "profile_list", READ, "NONE"),
    ("ADMIN", "profile_load", CLERK, "CHANGE"),
    ("ADMIN", "profile_show", READ, "NONE"),
    ("ADMIN", "rerate_due", READ, "NONE"),
    ("ADMIN", "rerate_list", READ, "NONE"),
    ("ADMIN", "rerate_pause", ADMIN, "CHANGE"),
    ("ADMIN", "rerate_plan", ADMIN, "CHANGE"),
    ("ADMIN", "rerate_run", ADMIN, "CHANGE"),
    ("ADMIN", "rerate_show", READ, "NONE"),
    ("ADMIN", "reservation_expire", CLERK, "CHANGE"),
    ("ADMIN", "reservation_list", READ, "NONE"),
    ("ADMIN", "reservation_show", READ, "NONE"),
    ("ADMIN", "service_add", CLERK, "CHANGE"),
    ("ADMIN", "service_end", CLERK, "CHANGE"),
    ("ADMIN", "service_set", CLERK, "CHANGE"),
    ("ADMIN", "session_end", ADMIN, "CHANGE"),
    ("ADMIN", "share_plan_create", CLERK, "CHANGE"),
    ("ADMIN", "share_plan_join", CLERK, "CHANGE"),
    ("ADMIN", "share_plan_leave", CLERK, "CHANGE"),
    ("ADMIN", "share_plan_list", READ, "NONE"),
    ("ADMIN", "share_plan_show", READ, "NONE"),
    ("ADMIN", "simulation_list", READ, "NONE"),
    ("ADMIN", "simulation_run", CLERK, "CHANGE"),
    ("ADMIN", "simulation_show", READ, "NONE"),
    ("ADMIN", "source_add", CLERK, "CHANGE"),
    ("ADMIN", "source_key_add", ADMIN, "CHANGE"),
    ("ADMIN", "source_key_list", READ, "NONE"),
    ("ADMIN", "source_key_revoke", ADMIN, "CHANGE"),
    ("ADMIN", "source_list", READ, "NONE"),
    ("ADMIN", "source_statistics", READ, "NONE"),
    ("ADMIN", "source_show", READ, "NONE"),
    ("ADMIN", "source_set", CLERK, "CHANGE"),
    ("ADMIN", "sources_load", CLERK, "CHANGE"),
    ("ADMIN", "status_show", READ, "NONE"),
    ("ADMIN", "suspense_jobs", READ, "NONE"),
    ("ADMIN", "suspense_list", READ, "NONE"),
    ("ADMIN", "suspense_retry", CLERK, "CHANGE"),
    ("ADMIN", "suspense_show", READ, "NONE"),
    ("ADMIN", "suspense_take", CLERK, "CHANGE"),
    ("ADMIN", "tax_service_show", READ, "NONE"),
    ("ADMIN", "uid_assign", CLERK, "CHANGE"),
    ("ADMIN", "uid_end", CLERK, "CHANGE"),
    ("ADMIN", "uid_short", READ, "NONE"),
    ("ADMIN", "uid_show", READ, "NONE"),
    ("ADMIN", "usage_interim", READ, "NONE"),
    ("ADMIN", "usage_list", READ, "NONE"),
    ("ADMIN", "usage_quote", READ, "NONE"),
    ("ADMIN", "usage_rate", CLERK, "CHANGE"),
    ("ADMIN", "usage_session_close", CLERK, "CHANGE"),
    ("ADMIN", "usage_session_list", READ, "NONE"),
    ("ADMIN", "usage_session_show", READ, "NONE"),
    ("USAGE", "usage_quote", SOURCE, "NONE"),
    ("USAGE", "usage_rate", SOURCE, "NONE"),
    ("USAGE", "usage_reserve", SOURCE, "NONE"),
    ("USAGE", "usage_settle", SOURCE, "NONE"),
    ("USAGE", "usage_update", SOURCE, "NONE"),
}
CHARGE_OF_ADA = f"{int(FIRST_CALL.timestamp()) * 10**6 + 60_000_000}-{ADA.id + 1}"
CHARGE_OF_BERT = f"{int(FIRST_CALL.timestamp()) * 10**6 + 60_000_000}-{BERT.id + 1}"
CHARGE_OF_NOBODY = f"{int(FIRST_CALL.timestamp()) * 10**6 + 60_000_000}-{BERT.id + 9}"


@pytest.fixture
def asking(database: Database) -> Asking:
    """Give one who asks at a database with two customers."""
    furnish(database)
    return Asking(database)


def euros(amount_e11: int) -> Decimal:
    """Give an amount of rating as a decimal."""
    return Decimal(amount_e11).scaleb(-11).normalize()


def test_the_matrix_is_the_one_that_was_looked_through() -> None:
    """No operation is added, opened to a role, or taken out of the audit without somebody noticing."""
    table = {
        (
            door.value,
            row.name,
            " ".join(f"{role.value}{'+' if role in row.roles else '-'}" for role in Role),
            row.audit.value,
        )
        for row in OPERATIONS
        for door in row.doors
    }

    assert table == MATRIX
    assert len(OPERATIONS) == len(MATRIX)


def test_a_door_asks_with_no_more_rights_than_its_own() -> None:
    """What comes through the public door never runs with the staff's rights in the database."""
    roles = {row.database_role for row in OPERATIONS if Door.PUBLIC in row.doors}
    staff = {row.database_role for row in OPERATIONS if Door.ADMIN in row.doors}

    rating = {row.name for row in OPERATIONS if row.database_role is DatabaseRole.ENGINE}

    assert roles == {DatabaseRole.PUBLIC, DatabaseRole.AUTH}
    assert staff == {DatabaseRole.ADMIN, DatabaseRole.ENGINE}
    # Usage and money are the engine's: what rates runs with its rights, and nothing else of the staff's does.
    assert rating == {
        *("usage_quote", "usage_rate", "usage_reserve", "usage_update", "usage_settle"),
        "reservation_expire",
    }
    assert [row.name for row in OPERATIONS if len(row.doors) != 1] == []


def test_no_operation_takes_what_the_doors_take_off() -> None:
    """Token, proof and key belong to the request; an argument of that name would never arrive."""
    taken = {"token", "csrf", "key"}

    assert [r.name for r in OPERATIONS if taken & {form.name for form in forms(r)}] == []
    assert {form.name for row in OPERATIONS for form in forms(row) if form.secret} == {"password"}


@pytest.mark.parametrize("role", list(Role))
def test_each_operation_is_refused_to_whoever_may_not(asking: Asking, role: Role) -> None:
    """Every operation, every role: whoever is not named in the matrix is told so, and it is on record."""
    wrong = []
    refused = 0
    for (door, name), row in BY_NAME.items():
        if role in row.roles or (door is Door.PUBLIC and Role.CUSTOMER in row.roles):
            continue
        answer = asking.perform(row, door, role, {})
        refused += 1
        if answer.code != "NOT_PERMITTED":
            wrong.append((name, answer.body))
    (noted,) = asking.sql("SELECT count(*) FROM audit WHERE outcome = 'NOT_PERMITTED'")[0]

    assert wrong == []
    assert noted == refused


def test_no_operation_of_one_door_is_known_at_the_other(asking: Asking) -> None:
    """The web host can't even name what the staff does; nor does a role help it."""
    answers = set()
    for (door, _), row in BY_NAME.items():
        other = Door.PUBLIC if door is Door.ADMIN else Door.ADMIN
        answers |= {
            asking.perform(row, other, role, {"token": ADA.token}).code
            for role in (Role.ADMIN, Role.CUSTOMER)
        }

    assert answers == {"UNKNOWN_OPERATION"}


@pytest.mark.parametrize("token", ["", "none", ADA.token[:-1], BERT.canaries[-1]])
def test_a_customers_operation_needs_a_live_session(asking: Asking, token: str) -> None:
    """Without a session of mine nobody gets any page of my account, whatever they ask."""
    codes = {
        asking.customer(name, token=token).code
        for door, name in BY_NAME
        if door is Door.PUBLIC and name != "login_open"
    }

    assert codes == {"SESSION_ENDED"}


def test_the_overview_says_where_the_account_stands(asking: Asking) -> None:
    """I see the month with my usage, what is not invoiced yet, what is left of my minutes, my numbers and invoice."""
    shown = asking.customer("overview_show", token=ADA.token, day="2026-08-15").body
    amounts = [euros(ADA.amount_e11 + number) for number in range(1, CALLS + 1)]
    tax = euros(ADA.amount_e11 // 5)

    assert shown["account"] == {
        "number": ADA.number,
        "name": ADA.name,
        "currency": "GBP",
        "time_zone": "Europe/London",
    }
    assert shown["period"] == {"from": "2026-08-01", "to": "2026-09-01"}
    assert Decimal(shown["used"]["amount"]) == sum(amounts)
    assert Decimal(shown["used"]["total"]) == sum(amounts) + CALLS * tax
    assert Decimal(shown["unbilled"]["amount"]) == sum(amounts[1:])
    assert shown["unbilled"]["events"] == CALLS - 1
    assert [(one["day"], one["events"]) for one in shown["days"]] == [("2026-08-03", CALLS)]
    assert shown["buckets"] == [
        {
            "name": "Ten minutes",
            "kind": "USAGE",
            "part": "ALLOTMENT",
            "unit": "TIME",
            "granted": 600,
            "balance": 600 - CALLS * 20,
            "from": "2026-08-01",
            "to": "2026-09-01",
            "service": "Package",
        }
    ]
    assert shown["services"] == [
        {
            "package": "PACKAGE",
            "name": "Package",
            "price": "10.00",
            "uids": [{"type": "phone", "value": ADA.uid}],
        }
    ]
    assert shown["last_invoice"]["number"] == ADA.invoice


def test_the_overview_without_a_day_shows_the_newest_month_with_usage(asking: Asking) -> None:
    """On the 20th of September, with no call since August, I see August and can go on to September."""
    shown = asking.customer("overview_show", token=ADA.token).body

    assert shown["period"] == {"from": "2026-08-01", "to": "2026-09-01"}
    assert shown["periods"] == [
        {"from": "2026-09-01", "to": "2026-10-01"},
        {"from": "2026-08-01", "to": "2026-09-01"},
    ]


def test_a_month_without_usage_has_full_allowances(asking: Asking) -> None:
    """Nothing was asked of September's minutes yet, so all of them are left, and nothing is owed."""
    shown = asking.customer("overview_show", token=ADA.token, day="2026-09-20").body

    assert shown["buckets"][0]["balance"] == shown["buckets"][0]["granted"] == 600
    assert shown["buckets"][0]["to"] == "2026-10-01"
    assert shown["unbilled"] == {"amount": "0", "tax": "0", "total": "0", "events": 0}
    assert shown["days"] == []


def test_usage_lists_what_counts_once_the_newest_first(asking: Asking) -> None:
    """A call that was rated again stands there once, with its present cost, and the total is that of the list."""
    shown = asking.customer(
        "usage_list", token=ADA.token, from_="2026-08-01", to="2026-09-01"
    ).body
    items = shown["items"]

    assert [item["id"].partition("-")[2] for item in items] == [
        str(ADA.id + number) for number in (3, 2, 1)
    ]
    assert items[2] == {
        "id": CHARGE_OF_ADA,
        "started_at": "2026-08-03T11:01:00Z",
        "started_local": "2026-08-03T12:01:00",
        "class": "Calls",
        "uid": ADA.uid,
        "origin": ADA.uid,
        "destination": ADA.called,
        "location": "Home",
        "unit": "TIME",
        "quantity": 120,
        "rounded": 120,
        "billable": 100,
        "amount": str(euros(ADA.amount_e11 + 1)),
        "tax": str(euros(ADA.amount_e11 // 5)),
    }
    assert Decimal(shown["total"]["amount"]) == sum(Decimal(item["amount"]) for item in items)
    assert shown["total"]["events"] == CALLS
    assert shown["cursor"] is None


@pytest.mark.parametrize("limit", ["1", "2", "3"])
def test_pages_of_usage_together_are_the_whole(asking: Asking, limit: str) -> None:
    """Page by page I see each call once, in order, and every page has the total of all."""
    whole = asking.customer("usage_list", token=ADA.token).body
    found, cursor, totals = [], {}, []
    while True:
        shown = asking.customer("usage_list", token=ADA.token, limit=limit, **cursor).body
        found += shown["items"]
        totals.append(shown["total"])
        if shown["cursor"] is None:
            break
        cursor = {"cursor": shown["cursor"]}

    assert found == whole["items"]
    assert totals == [whole["total"]] * len(totals)


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ({"from_": "2026-08-03", "to": "2026-08-04"}, CALLS),
        ({"from_": "2026-08-04", "to": "2026-08-05"}, 0),
        ({"from_": "2026-08-03"}, CALLS),
        ({"to": "2026-08-04"}, CALLS),
        ({"to": "2026-08-03"}, 0),
        ({"from_": "2026-08-05", "to": "2026-08-03"}, "BAD_ARGUMENT"),
        ({"from_": "2026-08-03", "to": "2026-08-03"}, "BAD_ARGUMENT"),
        ({"from_": "2024-08-03", "to": "2026-08-03"}, "BAD_ARGUMENT"),
        ({"from_": "1999-12-31"}, "BAD_ARGUMENT"),
        ({"to": "2200-01-01"}, "BAD_ARGUMENT"),
        ({"from_": "2026-02-30"}, "BAD_ARGUMENT"),
        ({"limit": "0"}, "BAD_ARGUMENT"),
        ({"cursor": "0-1"}, 0),
        ({"cursor": "9223372036854775807-9223372036854775807"}, 0),
    ],
)
def test_usage_of_the_days_asked_for(
    asking: Asking, days: dict[str, str], expected: int | str
) -> None:
    """The days are mine, by my clock, the last one excluded; days that can't be are said to be wrong."""
    answer = asking.customer("usage_list", token=ADA.token, **days)

    assert (len(answer.body["items"]) if answer.done else answer.code) == expected


def test_the_day_of_a_call_is_that_of_the_customers_clock(asking: Asking) -> None:
    """My call at half past midnight, British summer time, is of that day, though it was the day before in UTC."""
    asking.sql(
        f"""
        INSERT INTO charge (account_id, started_at, udr_id, version, account_service_id, rated_at, revision,
            usage_class_id, plan_level, rate_plan_id, rate_group_id, rate_id, location_pattern_id, tax_id, quantity,
            rounded, billable, rated_e11, amount_e11, tax_e11, currency, file_id, line_no, uid_id, origin, destination)
            SELECT account_id, '2026-07-31 23:30+00', udr_id + 100, 1, account_service_id, rated_at, revision,
            usage_class_id, plan_level, rate_plan_id, rate_group_id, rate_id, location_pattern_id, tax_id, quantity,
            rounded, billable, rated_e11, amount_e11, tax_e11, currency, file_id, line_no, uid_id, origin, destination
            FROM charge WHERE udr_id = {ADA.id + 1}
        """
    )
    first = asking.customer(
        "usage_list", token=ADA.token, from_="2026-08-01", to="2026-08-02"
    ).body
    before = asking.customer(
        "usage_list", token=ADA.token, from_="2026-07-31", to="2026-08-01"
    ).body

    assert [item["started_local"] for item in first["items"]] == ["2026-08-01T00:30:00"]
    assert before["items"] == []


def test_a_charge_is_explained_with_what_it_was_made_of(asking: Asking) -> None:
    """I ask why a call cost what it did, and get the steps and every figure that is stored."""
    shown = asking.customer("charge_explain", token=ADA.token, id=CHARGE_OF_ADA).body

    assert shown["charge"]["id"] == CHARGE_OF_ADA
    assert [step["title"] for step in shown["steps"]][:4] == [
        "Whose it is",
        "What it is",
        "Which prices apply",
        "The price",
    ]
    assert (shown["evidence"]["revision"], shown["evidence"]["rate_id"]) == (1, 1)
    assert shown["evidence"]["draws"] == [
        {"bucket_id": ADA.id, "name": "Ten minutes", "quantity": 20}
    ]


def test_a_charge_that_was_rated_again_is_explained_as_it_is_now(asking: Asking) -> None:
    """The explanation is of the charge that counts, not of the one that was taken back."""
    identity = f"{int(FIRST_CALL.timestamp()) * 10**6 + 120_000_000}-{ADA.id + 2}"
    shown = asking.customer("charge_explain", token=ADA.token, id=identity).body

    assert shown["evidence"]["version"] == 2


@pytest.mark.parametrize(
    ("operation", "others", "nobodys"),
    [
        ("charge_explain", {"id": CHARGE_OF_BERT}, {"id": CHARGE_OF_NOBODY}),
        ("invoice_show", {"number": BERT.invoice}, {"number": "INV-99-nothing"}),
    ],
)
def test_what_is_anothers_looks_as_if_it_were_not_there(
    asking: Asking, operation: str, others: dict[str, str], nobodys: dict[str, str]
) -> None:
    """Whether a number belongs to another customer or to nobody: the answer is the same, octet by octet."""
    theirs = asking.customer(operation, token=ADA.token, **others)
    none = asking.customer(operation, token=ADA.token, **nobodys)

    assert theirs.octets == none.octets
    assert theirs.code == "NOT_FOUND"


def test_no_answer_to_a_customer_holds_anything_of_another(asking: Asking) -> None:
    """All pages of mine, with other people's ids tried wherever an id fits: nothing of theirs is in any of them."""
    tries: list[tuple[str, dict[str, str]]] = [
        ("overview_show", {}),
        ("overview_show", {"day": "2026-08-03"}),
        ("usage_list", {}),
        ("usage_list", {"cursor": CHARGE_OF_BERT}),
        ("usage_list", {"from_": "2026-01-01", "to": "2026-12-31", "limit": "500"}),
        ("invoice_list", {}),
        ("invoice_show", {"number": ADA.invoice}),
        ("charge_explain", {"id": CHARGE_OF_ADA}),
        ("charge_explain", {"id": CHARGE_OF_BERT}),
        ("invoice_show", {"number": BERT.invoice}),
        ("invoice_list", {"account": BERT.number}),
        ("usage_list", {"account": BERT.number}),
    ]
    found = [
        (name, texts, canary)
        for name, texts in tries
        for canary in BERT.canaries
        if canary in asking.customer(name, token=ADA.token, **texts).octets.decode()
        and canary not in str(texts)
    ]

    assert found == []


def test_an_invoice_is_shown_as_it_was_issued(asking: Asking) -> None:
    """My invoice has its lines, its tax and its sum to the penny, and who sent it to whom."""
    listed = asking.customer("invoice_list", token=ADA.token).body["invoices"]
    shown = asking.customer("invoice_show", token=ADA.token, number=ADA.invoice).body

    assert listed == [
        {
            "number": ADA.invoice,
            "kind": "INVOICE",
            "from": "2026-08-01",
            "to": "2026-09-01",
            "issued_on": "2026-09-01",
            "due_on": "2026-09-15",
            "net": "10.00",
            "tax": "2.00",
            "total": "12.00",
            "currency": "GBP",
        }
    ]
    assert shown["company"] == {"name": "Small Ltd", "country": "GB"}
    assert shown["invoice"]["customer_name"] == ADA.name
    assert [
        (line["kind"], line["quantity"], line["included"], line["tax_percent"], line["amount"])
        for line in shown["invoice"]["lines"]
    ] == [("USAGE", 120, 20, "20", "10.00"), ("TAX", None, None, "20", "2.00")]


@pytest.mark.parametrize(
    ("operation", "texts"),
    [
        ("usage_list", {"from_": "2026-08-01", "to": "2026-09-01"}),
        ("charge_explain", {"id": CHARGE_OF_ADA}),
        ("invoice_list", {}),
        ("invoice_show", {"number": ADA.invoice}),
    ],
)
def test_staff_see_what_the_customer_sees(
    asking: Asking, operation: str, texts: dict[str, str]
) -> None:
    """When I call about my bill, whoever answers has the same page before them, and what was passed over as well."""
    mine = asking.customer(operation, token=ADA.token, **texts).body
    theirs = asking.staff(operation, role=Role.AUDITOR, account=ADA.number, **texts).body
    del mine["csrf"]
    if operation == "charge_explain":
        [choice] = [one for one in theirs["steps"] if one["title"] == "Which prices apply"]
        before, looked, _ = choice["text"].partition(" Looked for in this order")
        assert looked
        [same] = [one for one in mine["steps"] if one["title"] == choice["title"]]
        assert same["text"].startswith(before)
        choice["text"] = same["text"]

    assert theirs == mine


@pytest.mark.parametrize(
    ("operation", "texts"),
    [
        ("usage_list", {"account": "NONE"}),
        ("charge_explain", {"account": "NONE", "id": CHARGE_OF_ADA}),
        ("charge_explain", {"account": BERT.number, "id": CHARGE_OF_ADA}),
        ("invoice_list", {"account": "NONE"}),
        ("invoice_show", {"account": BERT.number, "number": ADA.invoice}),
        ("account_show", {"number": "NONE"}),
        ("file_show", {"id": "99"}),
        ("file_retry", {"id": "99"}),
        ("bill_show", {"as_of": "2026-01-01"}),
        ("uid_show", {"type": "phone", "value": "1"}),
        ("login_disable", {"login": "nobody"}),
        ("login_enable", {"login": "nobody"}),
        ("login_password", {"login": "nobody", "password": "a lantern over the sea"}),
    ],
)
def test_what_is_not_there_is_said_to_be_not_there(
    asking: Asking, operation: str, texts: dict[str, str]
) -> None:
    """A slip in a number is answered as such, and harms nothing."""
    assert asking.staff(operation, **texts).code == "NOT_FOUND"


def test_suspense_shows_why_lines_wait_and_the_lines_themselves(asking: Asking) -> None:
    """A clerk sees how many calls wait for which reason, and each line as the switch sent it, whatever is in it."""
    asking.sql(
        r"""
        INSERT INTO verdict (file_id, line_no, verdict, reason, detail, line, event_key, at) VALUES
            (1, 7, 'SUSPENDED', 'NO_RATE', 'no rate to 881', 'sat \303\251\001', gen_random_uuid(), '2026-08-04 00:00+00'),
            (1, 8, 'SUSPENDED', 'NO_UID', 'nobody has 4477', 'x', gen_random_uuid(), '2026-08-04 00:00+00'),
            (1, 9, 'SUSPENDED', 'NO_RATE', 'no rate to 882', 'y', gen_random_uuid(), '2026-08-05 00:00+00'),
            (1, 10, 'REJECTED', 'MALFORMED_LINE', 'three fields', '\377', NULL, '2026-08-05 00:00+00'),
            (1, 11, 'DUPLICATE', 'REPEATED', 'line 1', 'z', gen_random_uuid(), '2026-08-05 00:00+00'),
            (1, 12, 'SUSPENDED', 'NO_RATE', 'mended', 'w', gen_random_uuid(), '2026-08-05 00:00+00');
        UPDATE verdict SET resolved_at = now() WHERE line_no = 12
        """
    )
    groups = asking.staff("suspense_list").body["groups"]
    shown = asking.staff("suspense_show", reason="NO_RATE").body
    first = asking.staff("suspense_show", limit="1").body
    rest = asking.staff("suspense_show", after=first["after"]).body

    assert [(one["verdict"], one["reason"], one["lines"]) for one in groups] == [
        ("SUSPENDED", "NO_RATE", 2),
        ("SUSPENDED", "NO_UID", 1),
        ("REJECTED", "MALFORMED_LINE", 1),
    ]
    assert [(one["line_no"], one["text"]) for one in shown["lines"]] == [
        (7, "sat é\\x01"),
        (9, "y"),
    ]
    assert [one["line_no"] for one in first["lines"] + rest["lines"]] == [7, 8, 9, 10]
    assert rest["lines"][-1]["text"] == "\\xff"
    assert rest["after"] is None


def test_suspense_is_told_of_one_source_alone(asking: Asking) -> None:
    """A clerk who looks after one switch sees its lines and no others; a slip in its code is no empty list."""
    asking.sql(
        """
        INSERT INTO source (code, name, profile, time_zone, country_code, trunk_prefix, international_prefix)
            VALUES ('other', 'Other', 'asterisk-master-csv', 'UTC', '44', '0', '00');
        INSERT INTO verdict (file_id, line_no, verdict, reason, detail, line, event_key, at) VALUES
            (1, 7, 'SUSPENDED', 'NO_RATE', 'no rate', 'a', gen_random_uuid(), '2026-08-04 00:00+00')
        """
    )
    [line] = asking.staff("suspense_show").body["lines"]

    for operation, rows in (("suspense_list", "groups"), ("suspense_show", "lines")):
        assert len(asking.staff(operation, source=line["source"]).body[rows]) == 1
        assert asking.staff(operation, source="other").body[rows] == []
        assert asking.staff(operation, source="nowhere").code == "NOT_FOUND"


@pytest.mark.parametrize("operation", ["file_show", "file_hold", "file_progress", "file_rejects"])
def test_a_file_that_is_not_there_is_named(asking: Asking, operation: str) -> None:
    """Who typed a wrong number is told which."""
    said = {"reason": "why"} if operation == "file_hold" else {}
    answer = asking.staff(operation, id="999", **said)

    assert answer.body["text"] == "there is no file 999; see `bmadmin file list`"


def test_a_file_shows_how_far_it_is_and_why_lines_failed(asking: Asking) -> None:
    """A clerk sees each file's lines by what became of them, while it is worked and after."""
    asking.sql(
        """
        UPDATE usage_file_part SET new = 3, next_line = 4;
        INSERT INTO verdict (file_id, line_no, verdict, reason, detail, line, event_key, at)
            VALUES (1, 4, 'SUSPENDED', 'NO_UID', 'x', 'x', gen_random_uuid(), now())
        """
    )
    shown = asking.staff("file_show", id="1").body
    listed = asking.staff("file_list", state="OPEN").body["files"]

    assert listed == [shown["file"]]
    assert (shown["file"]["lines"], shown["file"]["new"], shown["file"]["state"]) == (6, 3, "OPEN")
    assert shown["parts"] == [{"part": 0, "state": "OPEN", "next_line": 4, "blocked": None}]
    assert shown["reasons"] == [
        {"verdict": "SUSPENDED", "reason": "NO_UID", "lines": 1, "resolved": 0}
    ]
    assert asking.staff("file_list", before="1").body["files"] == []


def test_a_blocked_file_is_tried_again_when_somebody_says_so(asking: Asking) -> None:
    """What could not be worked is shown with the reason; after it was mended, a clerk lets it be tried again."""
    asking.sql("UPDATE usage_file_part SET state = 'BLOCKED', blocked = 'its zone is gone'")
    blocked = asking.staff("file_show", id="1").body["parts"]
    retried = asking.staff("file_retry", role=Role.CLERK, id="1")
    again = asking.staff("file_retry", role=Role.CLERK, id="1")

    assert [(one["state"], one["blocked"]) for one in blocked] == [("BLOCKED", "its zone is gone")]
    assert [(one["state"], one["blocked"]) for one in retried.body["parts"]] == [("OPEN", None)]
    assert again.code == "NOT_BLOCKED"


def test_a_bill_run_is_asked_for_once(asking: Asking) -> None:
    """Asking twice for the same day makes one bill run; a day that has not come makes none."""
    first = asking.staff("bill_run", as_of="2026-09-20")
    again = asking.staff("bill_run", as_of="2026-09-20")
    early = asking.staff("bill_run", as_of="2026-09-21")
    listed = asking.staff("bill_list").body["runs"]

    assert first.body == again.body
    assert early.code == "BAD_ARGUMENT"
    assert [(one["as_of"], one["state"], one["invoices"]) for one in listed] == [
        ("2026-09-20", "OPEN", 0),
        ("2026-09-01", "OPEN", 2),
    ]
    assert asking.staff("bill_show", as_of="2026-09-01").body["issued"] == [
        {"currency": "GBP", "invoices": 2, "net": "20.00", "tax": "4.00", "total": "24.00"}
    ]


def test_the_status_counts_what_waits(asking: Asking) -> None:
    """One look says what is queued and what there is."""
    shown = asking.staff("status_show", role=Role.AUDITOR).body

    assert shown["warnings"] == []
    assert (shown["queue"]["files"], shown["queue"]["lines"]) == (1, 6)
    assert (shown["totals"]["accounts"], shown["totals"]["invoices"]) == (2, 2)
    assert shown["totals"]["sessions"] == 2
    assert shown["versions"]["revision"] == 1


def test_the_status_warns_of_what_somebody_should_look_at(asking: Asking) -> None:
    """When a file or a bill run waits too long, or calls wait in suspense, the status says so in words."""
    asking.sql(
        """
        UPDATE usage_file SET received_at = '2026-09-20 11:30+00';
        UPDATE usage_file_part SET state = 'BLOCKED', blocked = 'its source is gone';
        UPDATE bill_run SET created_at = '2026-09-20 11:40+00';
        INSERT INTO verdict (file_id, line_no, verdict, reason, detail, line, event_key, at)
            VALUES (1, 4, 'SUSPENDED', 'NO_UID', 'x', 'x', gen_random_uuid(), now())
        """
    )

    assert asking.staff("status_show").body["warnings"] == [
        "files that are blocked: 1; see `bmadmin file list --state OPEN`",
        "a file has waited since 2026-09-20T11:30:00Z: do the rating workers run?",
        "a bill run has waited since 2026-09-20T11:40:00Z: do the rating workers run?",
        "lines in suspense: 1; see `bmadmin suspense list`",
    ]


def test_the_status_of_an_empty_installation_says_what_comes_first(database: Database) -> None:
    """On a new installation the status says what to load."""
    assert Asking(database).staff("status_show").body["warnings"] == [
        "there is no catalogue: load one",
        "there is no source: no usage file can come in",
    ]


def test_each_change_of_the_staff_is_on_record_and_none_can_be_altered(asking: Asking) -> None:
    """The audit says who did what with which arguments, but no secrets; and its chain shows any change of it."""
    asking.staff(
        "login_add", login="ada@example.org", account=ADA.number, password="a lantern over the sea"
    )
    asking.staff("account_add", Role.CLERK, number="C1", name="Conamara")
    listed = asking.staff("audit_list").body["entries"]
    before = asking.staff("audit_verify").body
    asking.sql(
        "ALTER TABLE audit DISABLE TRIGGER ALL; ALTER TABLE audit DROP CONSTRAINT audit_check;"
        " UPDATE audit SET object = 'somebody else' WHERE seq = 1"
    )
    after = asking.staff("audit_verify").body

    assert [(one["actor"], one["operation"], one["object"], one["outcome"]) for one in listed] == [
        ("clerk of the test", "account_add", "C1", "DONE"),
        ("admin of the test", "login_add", "ada@example.org", "DONE"),
    ]
    assert "lantern" not in str(listed)
    assert (before, after) == (
        {"holds": True, "entries": 2, "broken_at": None},
        {"holds": False, "entries": 2, "broken_at": 1},
    )


def test_every_change_is_audited() -> None:
    """No operation that changes anything is left out of the audit."""
    # What a source tells of is on record itself, line by line; the audit's chain would have its events wait in a row.
    looks = (
        "_list",
        "_show",
        "_explain",
        "_check",
        "_verify",
        "_jobs",
        "_due",
        "_quote",
        "_dump",
        "_rows",
        "_preview",
        "_interim",
        "_rejects",
        "_statistics",
        "_progress",
        "_short",
    )
    silent = [
        row.name
        for row in OPERATIONS
        if row.audit is Audit.NONE and Door.USAGE not in row.doors and not row.name.endswith(looks)
    ]

    assert silent == []
