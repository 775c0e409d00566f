"""Accounts, services and UIDs: loaded from a document or kept one by one, and never two owners at a time."""

from contextlib import closing
from datetime import UTC, datetime

import psycopg2
import pytest
from asking import Asking
from conftest import ROOT, Database

from bmu.period import to_us
from bmu.rating import Owners, UnratedReason
from bmuid.operations.registry import Role
from bmuid.store import owners, revisions

CATALOGUE = (ROOT / "examples" / "demo" / "catalogue.toml").read_text(encoding="utf-8")
ACCOUNTS = (ROOT / "examples" / "demo" / "accounts.toml").read_text(encoding="utf-8")
SOURCES = (ROOT / "examples" / "demo" / "sources.toml").read_text(encoding="utf-8")
PHONE = {"type": "phone", "value": "442079460900"}


@pytest.fixture
def asking(database: Database) -> Asking:
    """Give one who asks at a database with the demo's catalogue."""
    asking = Asking(database)
    assert asking.staff("catalogue_load", document=CATALOGUE).done
    return asking


def owner_at(asking: Asking, value: str, day: str) -> int | UnratedReason:
    """Give the service that pays for a number's calls at noon of that day (UTC), as rating finds it."""
    with closing(asking.database.connect("bmuid")) as connection, connection.cursor() as txn:
        found = Owners(owners.at(txn, revisions.newest(txn)))
    owner = found.find(
        "phone", value, to_us(datetime.fromisoformat(f"{day}T12:00:00").replace(tzinfo=UTC))
    )
    return owner if isinstance(owner, UnratedReason) else owner.account_service_id


def opened(asking: Asking, number: str = "X1", package: str = "PAYT") -> int:
    """Open an account with one service from August on; give the service's id."""
    assert asking.staff("account_add", number=number, name=f"Customer {number}").done
    shown = asking.staff("service_add", account=number, package=package, from_="2026-08-01")
    assert shown.done, shown.body
    return shown.body["services"][0]["id"]


def test_the_demos_accounts_are_loaded_and_a_second_time_left(asking: Asking) -> None:
    """Loading the same document again adds nothing and changes nothing."""
    first = asking.staff("accounts_load", document=ACCOUNTS).body
    revision = asking.sql("SELECT max(id) FROM revision")
    again = asking.staff("accounts_load", document=ACCOUNTS).body
    counts = {"accounts": 40, "services": 41, "uids": 73, "logins": 3}
    none = dict.fromkeys(counts, 0)

    assert first == {"added": counts, "left": none}
    assert again == {"added": none, "left": counts}
    assert asking.sql("SELECT max(id) FROM revision") == revision


def test_what_is_new_in_the_document_is_added_to_what_is_there(asking: Asking) -> None:
    """I add a number to a customer in the document and load it: that number is new, all else is left."""
    asking.staff("accounts_load", document=ACCOUNTS)
    more = ACCOUNTS.replace(
        '{ type = "phone", value = "442079460123" },',
        '{ type = "phone", value = "442079460123" },\n    { type = "phone", value = "442079460999" },',
    )
    added = asking.staff("accounts_load", document=more).body["added"]

    assert added == {"accounts": 0, "services": 0, "uids": 1, "logins": 0}
    shown = asking.staff("account_show", number="A1001").body
    assert "442079460999" in {uid["value"] for uid in shown["services"][0]["uids"]}


def test_a_number_passed_on_belongs_to_each_in_their_time(asking: Asking) -> None:
    """A number that one customer gave up on the 15th of September and another took over is billed to each rightly."""
    asking.staff("accounts_load", document=ACCOUNTS)
    shown = asking.staff("uid_show", type="phone", value="441632960777").body["owners"]

    assert [(one["account"], one["from"], one["to"]) for one in shown] == [
        ("A1021", "2026-07-31T23:00:00Z", "2026-09-14T23:00:00Z"),
        ("A1022", "2026-09-14T23:00:00Z", None),
    ]
    days = ("2026-09-14", "2026-09-15")
    assert [owner_at(asking, "441632960777", day) for day in days] == [
        one["service"] for one in shown
    ]


def test_conflicts_are_told_all_at_once_and_nothing_is_done(asking: Asking) -> None:
    """Each thing in the document that does not fit what is there is named, and nothing of it is loaded."""
    asking.staff("accounts_load", document=ACCOUNTS)
    before = asking.sql("SELECT count(*) FROM uid_history")
    wrong = (
        ACCOUNTS.replace('"Brightwell Bakery"', '"Brightwall Bakery"')
        .replace('value = "442079460124"', 'value = "442079460150"')
        .replace('package = "PAYT"', 'package = "PAYX"', 1)
        .replace('number = "A1039"', 'number = "A2039"')
        .replace('login = "ada@fenwick.example"', 'login = "zoe@marchetti.example"')
    )
    refused = asking.staff("accounts_load", document=wrong)

    assert refused.code == "BAD_DOCUMENT"
    assert refused.body["text"].splitlines() == [
        "account.login: zoe@marchetti.example is there 2 times"
    ]
    wrong = wrong.replace('login = "zoe@marchetti.example"', 'login = "new@fenwick.example"', 1)
    refused = asking.staff("accounts_load", document=wrong)

    assert refused.body["text"].splitlines() == [
        "account A1001: phone 442079460150 is owned by account A1013 from 2026-08-01",
        "account A1007: there is no package PAYX",
        "account A1023: its name is Brightwell Bakery, not Brightwall Bakery",
        "account A2039: phone 441632960270 is owned by account A1039 from 2026-10-01",
        "phone 442079460150: would have two owners at a time, of A1001 and A1013",
    ]
    assert asking.sql("SELECT count(*) FROM uid_history") == before
    assert asking.sql("SELECT count(*) FROM account WHERE number = 'A2039'") == [(0,)]


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ('number = "A1001"', 'number = "a1001"', "account[1].number: must be the number of an account"),
        ("bill_day = 1\n", "bill_day = 29\n", "account[1].bill_day: must be a whole number from 1 to 28"),
        ('"Europe/Dublin"', '"Europe/Doblin"', "account[36].time_zone: Europe/Doblin is not a time zone"),
        ("from = 2026-08-01", "from = 1826-08-01", "account[1].service[1].from: must be a date from 2000"),
        ("from = 2026-08-01\n", "\n", "account[1].service[1].from: is missing"),
        ("to = 2026-09-15 }", "to = 2026-07-15 }", "account[21].service[1].uids[1].to: must lie after from"),
        ('"442079460123"', '"+44 20 7946 0123"', "account[1].service[1].uids[1].value: must be"),
        ('"442079460123"', '"02079460123"', "account[1].service[1].uids[1].value: must be a number's digits"),
        ('"harbour demo lighthouse one"', '"short"', "account[1].login[1].password: a password has 15"),
        ('name = "Zoë Marchetti"', "surname = 1", "account[2].name: is missing"),
        ("[[account]]", "[account", "not TOML"),
    ],
)  # fmt: skip
def test_a_slip_in_the_document_is_named_with_its_place(
    asking: Asking, old: str, new: str, text: str
) -> None:
    """I mistype something and am told where, in words, and nothing is loaded."""
    refused = asking.staff("accounts_load", document=ACCOUNTS.replace(old, new, 1))

    assert refused.code == "BAD_DOCUMENT"
    assert refused.body["text"].startswith(text), refused.body["text"]
    assert asking.sql("SELECT count(*) FROM account") == [(0,)]


@pytest.mark.parametrize(
    "document",
    [
        "x = " + "[" * 20_000,
        f"{'.'.join('a' * 200_000)} = 1",
        f"x = {'9' * 5000}",
        '{"a": ' + "[" * 200_000,
    ],
)
@pytest.mark.parametrize("name", ["accounts_load", "sources_load", "catalogue_load"])
def test_a_document_nested_without_end_is_refused_at_once(
    asking: Asking, name: str, document: str
) -> None:
    """Whoever hands in a document keeps nobody else waiting, and is told what it is not."""
    refused = asking.staff(name, document=document)

    assert refused.code == "BAD_DOCUMENT"
    assert "not TOML" in refused.body["text"] or "not a document" in refused.body["text"]


def test_a_number_has_one_owner_at_a_time(asking: Asking) -> None:
    """A number that is somebody's is not given to another; whose it is, is said; after it was ended, it can be."""
    first, second = opened(asking, "X1"), opened(asking, "X2")
    asking.staff("uid_assign", account="X1", **PHONE)
    refused = asking.staff("uid_assign", account="X2", from_="2026-09-01", **PHONE)
    ended = asking.staff("uid_end", to="2026-09-01", **PHONE)
    taken_over = asking.staff("uid_assign", account="X2", from_="2026-09-01", **PHONE)

    assert refused.body == {
        "code": "UID_TAKEN",
        "text": "phone 442079460900 is owned by account X1 from 2026-08-01; end that first",
    }
    assert (ended.done, taken_over.done) == (True, True)
    assert [owner_at(asking, PHONE["value"], day) for day in ("2026-08-31", "2026-09-01")] == [
        first,
        second,
    ]
    assert owner_at(asking, PHONE["value"], "2026-07-31") is UnratedReason.UID_NOT_IN_PERIOD


def numbered(asking: Asking, uids: int) -> None:
    """Have each service of the package "home" be of so many numbers from now on."""
    asking.sql(
        "INSERT INTO revision (actor, note) VALUES ('test', 'numbers');"
        "WITH ended AS (UPDATE package SET until = (SELECT max(id) FROM revision)"
        " WHERE code = (SELECT package FROM account_service LIMIT 1) AND until IS NULL RETURNING *)"
        "INSERT INTO package (code, name, price_minor, currency, frequency, rate_plan, tax, bucket_types, uids, since)"
        " SELECT code, name, price_minor, currency, frequency, rate_plan, tax, bucket_types,"
        f" {uids}, until FROM ended"
    )


def test_a_service_has_as_many_numbers_as_its_package_says(asking: Asking) -> None:
    """A service of two numbers gets no third while it has both, and one again from the day that one has ended."""
    service = opened(asking)
    numbered(asking, 2)
    values = ["442079460900", "442079460901", "442079460902"]
    for value in values[:2]:
        assert asking.staff("uid_assign", account="X1", type="phone", value=value).done
    third = {"account": "X1", "type": "phone", "value": values[2]}
    refused = asking.staff("uid_assign", **third)
    assert refused.code == "UID_TOO_MANY"
    assert refused.body["text"].endswith(
        "has 2 usage identifiers, and would have 3 at a time; end one first"
    )
    assert asking.staff("uid_assign", **third, from_="2026-08-10").code == "UID_TOO_MANY"

    assert asking.staff("uid_end", type="phone", value=values[0], to="2026-09-01").done
    assert asking.staff("uid_assign", **third, from_="2026-08-31").code == "UID_TOO_MANY"
    assert asking.staff("uid_assign", **third, from_="2026-09-01").done
    assert asking.sql(
        f"SELECT count(*) FROM uid_history WHERE account_service_id = {service} AND until IS NULL"
    ) == [(3,)]


def test_who_lacks_numbers_is_told(asking: Asking) -> None:
    """A service that is sold without all its numbers is counted, until it has them: it could not be billed."""
    opened(asking)
    warned = "services with fewer usage identifiers than their package says, not to be billed: 1; see `bmadmin uid short`"
    assert warned not in asking.staff("status_show").body["warnings"]
    numbered(asking, 1)
    assert warned in asking.staff("status_show").body["warnings"]
    asking.staff("uid_assign", account="X1", **PHONE)
    assert warned not in asking.staff("status_show").body["warnings"]


def test_a_document_gives_no_service_too_many_numbers(asking: Asking) -> None:
    """Also those that it has already count, and the same document again is no change."""
    asking.staff("accounts_load", document=ACCOUNTS)
    again = asking.staff("accounts_load", document=ACCOUNTS)
    asking.sql(
        "INSERT INTO revision (actor, note) VALUES ('test', 'numbers');"
        "CREATE TEMP TABLE was AS SELECT * FROM package WHERE until IS NULL;"
        "UPDATE package SET until = (SELECT max(id) FROM revision) WHERE until IS NULL;"
        "INSERT INTO package (code, name, price_minor, currency, frequency, rate_plan, tax, bucket_types, uids, since)"
        " SELECT code, name, price_minor, currency, frequency, rate_plan, tax, bucket_types, 10,"
        " (SELECT max(id) FROM revision) FROM was"
    )
    assert asking.staff("accounts_load", document=ACCOUNTS).body == again.body
    more = ", ".join(f'{{ type = "phone", value = "4416320000{n:02}" }}' for n in range(10))
    first = ACCOUNTS.index("uids = [") + len("uids = [")
    refused = asking.staff(
        "accounts_load", document=f"{ACCOUNTS[:first]}{more}, {ACCOUNTS[first:]}"
    )
    assert refused.code == "BAD_DOCUMENT"
    assert "has 10 usage identifiers, and would have 14 at a time" in refused.body["text"]


def test_the_database_itself_refuses_two_owners(asking: Asking) -> None:
    """Even when the program errs, no number gets two owners at a time."""
    service = opened(asking)
    asking.staff("uid_assign", account="X1", **PHONE)
    with pytest.raises(psycopg2.errors.ExclusionViolation):
        asking.sql(
            "INSERT INTO uid_history (uid_type, value, account_id, account_service_id, during, since)"
            f" SELECT uid_type, value, account_id, {service}, '[2027-01-01,)', 1 FROM uid_history"
        )


def test_what_was_rated_by_an_owner_is_not_forgotten(asking: Asking) -> None:
    """Ending an ownership makes a new revision; the old one still says who it was."""
    service = opened(asking)
    asking.staff("uid_assign", account="X1", **PHONE)
    with closing(asking.database.connect("bmuid")) as connection, connection.cursor() as txn:
        before = revisions.newest(txn)
    asking.staff("uid_end", to="2026-08-01", **PHONE)
    with closing(asking.database.connect("bmuid")) as connection, connection.cursor() as txn:
        held = Owners(owners.at(txn, before))
        now = Owners(owners.at(txn, revisions.newest(txn)))
    noon = to_us(datetime(2026, 8, 20, 12, tzinfo=UTC))
    owner = held.find("phone", PHONE["value"], noon)

    assert not isinstance(owner, UnratedReason)
    assert owner.account_service_id == service
    assert now.find("phone", PHONE["value"], noon) is UnratedReason.NO_UID


def test_a_service_that_ends_lets_its_numbers_go(asking: Asking) -> None:
    """When I cancel, my number is free from that day, and calls before it are still mine."""
    first = opened(asking)
    asking.staff("uid_assign", account="X1", **PHONE)
    ended = asking.staff("service_end", account="X1", service=str(first), to="2026-10-01")
    second = opened(asking, "X2")
    given = asking.staff("uid_assign", account="X2", from_="2026-10-01", **PHONE)

    assert (
        ended.body["services"][0]["to"]
        == ended.body["services"][0]["uids"][0]["to"]
        == "2026-10-01"
    )
    assert given.done, given.body
    assert [owner_at(asking, PHONE["value"], day) for day in ("2026-09-30", "2026-10-01")] == [
        first,
        second,
    ]


@pytest.mark.parametrize(
    ("operation", "texts", "code"),
    [
        ("account_add", {"number": "X1", "name": "Again"}, "ACCOUNT_EXISTS"),
        ("account_add", {"number": "X9", "name": "Far", "time_zone": "Mars/Base"}, "BAD_ARGUMENT"),
        ("account_add", {"number": "X9", "name": "Odd", "currency": "XXX"}, "BAD_ARGUMENT"),
        (
            "service_add",
            {"account": "X1", "package": "PAYT", "from_": "2026-08-01"},
            "SERVICE_EXISTS",
        ),
        (
            "service_add",
            {"account": "X1", "package": "NONE", "from_": "2026-08-01"},
            "BAD_ARGUMENT",
        ),
        ("service_add", {"account": "X9", "package": "PAYT", "from_": "2026-08-01"}, "NOT_FOUND"),
        (
            "service_add",
            {"account": "X1", "package": "PAYT", "from_": "2026-09-01", "to": "2026-09-01"},
            "BAD_ARGUMENT",
        ),
        ("service_end", {"account": "X1", "service": "99", "to": "2026-09-01"}, "NOT_FOUND"),
        ("service_end", {"account": "X1", "service": "1", "to": "2026-08-01"}, "BAD_ARGUMENT"),
        ("uid_assign", {"account": "X1", "from_": "2026-07-01", **PHONE}, "BAD_ARGUMENT"),
        ("uid_assign", {"account": "X1", "to": "2026-08-01", **PHONE}, "BAD_ARGUMENT"),
        ("uid_assign", {"account": "X1", "service": "99", **PHONE}, "NOT_FOUND"),
        ("uid_assign", {"account": "X9", **PHONE}, "NOT_FOUND"),
        ("uid_assign", {"account": "X1", "type": "phone", "value": "0207"}, "BAD_ARGUMENT"),
        ("uid_end", {"to": "2026-09-01", **PHONE}, "NOT_FOUND"),
    ],
)
def test_what_can_not_be_is_refused_and_changes_nothing(
    asking: Asking, operation: str, texts: dict[str, str], code: str
) -> None:
    """A clerk's slip is answered with what is wrong, and accounts, services and numbers are as before."""
    opened(asking)
    counts = "SELECT (SELECT count(*) FROM account), (SELECT count(*) FROM account_service), (SELECT count(*) FROM uid_history)"
    before = asking.sql(counts)
    refused = asking.staff(operation, role=Role.CLERK, **texts)

    assert refused.code == code, refused.body
    assert asking.sql(counts) == before


def test_accounts_are_listed_part_by_part(asking: Asking) -> None:
    """However many there are, the list goes on where the part before ended, and no account is missed."""
    asking.staff("accounts_load", document=ACCOUNTS)
    found: list[str] = []
    after: dict[str, str] = {}
    while True:
        part = asking.staff("account_list", limit="7", **after).body
        found += [one["number"] for one in part["accounts"]]
        if part["after"] is None:
            break
        after = {"after": part["after"]}

    assert found == [f"A{number}" for number in range(1001, 1041)]


def test_sources_are_set_by_a_document(asking: Asking) -> None:
    """The document says how each switch is read: loading it adds and corrects, a second time it leaves all."""
    first = asking.staff("sources_load", document=SOURCES).body
    corrected = asking.staff(
        "sources_load", document=SOURCES.replace('"UTC"', '"Europe/London"')
    ).body
    listed = asking.staff("source_list").body["sources"]
    again = asking.staff("source_add", **listed[0])

    assert first["added"] == ["pbx-london", "sbc-bristol", "sip-edge"]
    assert corrected == {
        "added": [],
        "changed": ["sip-edge"],
        "left": ["pbx-london", "sbc-bristol"],
    }
    assert listed[2]["time_zone"] == "Europe/London"
    assert again.code == "SOURCE_EXISTS"


def test_a_source_is_changed_in_part(asking: Asking) -> None:
    """What is given is changed, what is not stays; nothing given is nothing, and a document may say it, too."""
    asking.staff("sources_load", document=SOURCES)
    code = asking.staff("source_list").body["sources"][0]["code"]
    before = asking.staff("source_show", code=code).body
    after = asking.staff("source_set", code=before["code"], routing_prefixes="1400,Dxxx=0").body
    assert after == before | {"routing_prefixes": "1400,Dxxx=0"}
    assert asking.staff("source_set", code=before["code"], routing_prefixes="").body == before
    named = asking.staff("source_set", code=before["code"], name="Old exchange", trunk_prefix="")
    assert named.body == before | {"name": "Old exchange", "trunk_prefix": ""}
    asking.staff(
        "sources_load",
        document=SOURCES.replace('code = "', 'routing_prefixes = "1400"\ncode = "', 1),
    )
    assert asking.staff("source_show", code=code).body == before | {"routing_prefixes": "1400"}


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("NOT_FOUND", {"code": "nobody"}),
        ("BAD_ARGUMENT", {"time_zone": "Utopia"}),
        ("BAD_ARGUMENT", {"routing_prefixes": "14 00"}),
        ("BAD_ARGUMENT", {"routing_prefixes": "1400,"}),
    ],
)
def test_a_source_is_changed_to_what_can_be_read(
    asking: Asking, code: str, changes: dict[str, str]
) -> None:
    """A slip is told, and changes nothing."""
    asking.staff("sources_load", document=SOURCES)
    before = asking.staff("source_list").body
    assert asking.staff("source_set", **{"code": "pbx-london", **changes}).code == code
    assert asking.staff("source_list").body == before


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ('"kamailio-acc"', '"kamailio"', "source[3].profile: there is no profile kamailio"),
        ('code = "sip-edge"', 'code = "SIP edge"', "source[3].code: must be a source's code"),
        ('code = "sip-edge"', 'code = "pbx-london"', "source: pbx-london is there more than once"),
        (
            'time_zone = "UTC"',
            'time_zone = "Utopia"',
            "source[3].time_zone: Utopia is not a time zone",
        ),
    ],
)
def test_a_slip_in_the_sources_is_named(asking: Asking, old: str, new: str, text: str) -> None:
    """A source that could not be read is refused when it is set, not when its first file comes."""
    refused = asking.staff("sources_load", document=SOURCES.replace(old, new))

    assert refused.body["text"].startswith(text), refused.body
    assert asking.staff("source_list").body["sources"] == []


def test_nothing_can_be_loaded_before_a_catalogue(database: Database) -> None:
    """Without a company and its packages there is nothing to subscribe to, and that is what is said."""
    asking = Asking(database)
    codes = [
        asking.staff("accounts_load", document=ACCOUNTS).code,
        asking.staff("account_add", number="X1", name="Early").code,
        asking.staff("bill_run", as_of="2026-09-01").code,
    ]

    assert codes == ["NO_CATALOGUE"] * 3
