"""The usage door, with real processes: sources tell of usage as it happens, and are answered once it is safe."""

import os
import signal
import threading
from contextlib import closing
from pathlib import Path

import plugged
import pytest
import usage_world as world
from conftest import Database
from daemons import (
    CutOffError,
    Site,
    refused_start,
    running,
)
from usage_doors import (
    SOURCE,
    Sources,
    installed,
    leaf,
    rows,
    serving,
    told,
    usage_of,
    write,
)
from usage_world import AWAY, HOME, number_of

from bmuid import pki

CUSTOMERS = 40


@pytest.fixture
def site(database: Database, short_path: Path) -> Site:
    """Give an installation whose switch may tell of usage in real time."""
    return installed(database, short_path, CUSTOMERS)


@pytest.fixture
def switch(site: Site) -> pki.Leaf:
    """Give the switch's certificate."""
    return leaf(site, world.SOURCE)


class TestASource:
    """What a switch gets."""

    def test_is_answered_what_its_call_costs(
        self, site: Site, switch: pki.Leaf, database: Database
    ) -> None:
        """Quoted, reserved, extended, settled, rated: on one connection, each answer after its commit."""
        with serving(site, switch) as door, door.connect() as client:
            quoted = client.ask("usage_quote", **told("call 1", destination=AWAY))
            reserved = client.ask("usage_reserve", **told("call 2", 1, 300))
            more = client.ask("usage_update", event="call 2", step="2", quantity="500")
            settled = client.ask("usage_settle", event="call 2", quantity="90")
            rated = client.ask("usage_rate", **told("call 1", destination=AWAY))
            again = client.ask("usage_rate", **told("call 1", destination=AWAY))

            assert rows(database, "SELECT quantity, amount_e11 FROM charge ORDER BY 1") == [
                (60, 60 * 10**9), (90, 0)]  # fmt: skip
        assert [done for done, _ in (quoted, reserved, more, settled, rated, again)] == [True] * 6
        assert (quoted[1]["amount"], rated[1]["amount"], again) == ("0.6", "0.6", rated)
        assert (reserved[1]["quantity"], more[1]["quantity"]) == (300, 500)
        assert (settled[1]["included"], settled[1]["account"]) == (90, "A1")

    def test_tells_only_of_its_own_identifiers(self, site: Site, switch: pki.Leaf) -> None:
        """A switch for telephones does not charge SIM cards."""
        with serving(site, switch) as door:
            done, body = door.ask("usage_rate", **told("call 1"), uid_type="sim")

        assert (done, body["code"]) == (False, "NOT_PERMITTED")

    def test_can_ask_for_nothing_else(self, site: Site, switch: pki.Leaf) -> None:
        """What staff and customers do has no name at this door."""
        with serving(site, switch) as door:
            codes = {
                door.ask(operation)[1]["code"]
                for operation in ("account_list", "login_open", "invoice_list", "no_such_thing")
            }

        assert codes == {"UNKNOWN_OPERATION"}

    def test_that_asks_too_much_is_told_so(self, site: Site, switch: pki.Leaf) -> None:
        """Each source has its own measure, of two seconds' worth at once."""
        write(site, requests_a_second=1)
        with serving(site, switch) as door, door.connect() as client:
            codes = [client.ask("usage_quote", **told("x"))[1].get("code") for _ in range(9)]

        assert codes[:2] == [None, None]
        assert "BUSY" in codes

    @pytest.mark.parametrize("name", ["web", "other"])
    def test_needs_a_certificate_of_its_name(self, site: Site, name: str) -> None:
        """The company's own certificate of another name opens nothing."""
        with serving(site, leaf(site, name)) as door, pytest.raises(CutOffError):
            door.ask("usage_quote", **told("x"))

    def test_needs_a_certificate_that_is_listed(self, site: Site, switch: pki.Leaf) -> None:
        """Where serial numbers are listed, another certificate of the same name opens nothing; a reload lists it."""
        write(site, serials=["abc"])
        with serving(site, switch) as door:
            with pytest.raises(CutOffError):
                door.ask("usage_quote", **told("x"))
            write(site)
            door.daemon.signal(signal.SIGHUP)
            door.daemon.event("configuration, certificates and lists were read anew")

            assert door.ask("usage_quote", **told("x"))[0]


class TestAGroup:
    """Requests that wait are committed together."""

    def test_answers_each_with_its_own(
        self, site: Site, switch: pki.Leaf, database: Database
    ) -> None:
        """Forty switches at once, ten calls each: every one is charged once and answered with its own price."""
        with serving(site, switch) as door:
            answers = at_once(door, 40, 10)

        assert len(answers) == 400
        assert all(
            body["state"] == "RATED" and body["account"] == f"A{customer}"
            for (customer, _), body in answers.items()
        )
        assert rows(database, "SELECT count(*), sum(quantity) FROM charge") == [(400, 400 * 30)]
        assert rows(database, "SELECT count(*) FROM bucket WHERE balance <> granted - 300") == [
            (0,)
        ]

    def test_is_not_spoiled_by_one_that_fails(
        self, site: Site, switch: pki.Leaf, database: Database
    ) -> None:
        """One request that the database refuses: it alone fails, and nobody else's is lost or doubled."""
        with closing(database.connect("postgres")) as owner, owner, owner.cursor() as txn:
            txn.execute(
                "CREATE FUNCTION bmu.poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                " RAISE EXCEPTION 'poison' USING ERRCODE = '23514'; END $$;"
                "CREATE TRIGGER poison BEFORE INSERT ON bmu.usage_event FOR EACH ROW"
                " WHEN (convert_from(new.line, 'UTF8') LIKE '%\"20/3\"%') EXECUTE FUNCTION bmu.poison()"
            )
        with serving(site, switch) as door:
            answers = at_once(door, 40, 5)

        failed = [place for place, body in answers.items() if body.get("code") == "FAILED"]
        assert failed == [(20, 3)]
        assert sum(body.get("state") == "RATED" for body in answers.values()) == 199
        assert rows(database, "SELECT count(*) FROM charge") == [(199,)]


def at_once(door: Sources, customers: int, calls: int) -> dict[tuple[int, int], dict[str, object]]:
    """Tell of calls of many customers at the same time, each on a connection of its own."""
    answers: dict[tuple[int, int], dict[str, object]] = {}

    def tell(customer: int) -> None:
        with door.connect() as client:
            for call in range(calls):
                event = f"{customer}/{call}"
                answers[customer, call] = client.ask("usage_rate", **told(event, customer, 30))[1]

    threads = [threading.Thread(target=tell, args=(n,)) for n in range(1, customers + 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


class TestAFault:
    """Whatever happens, a call is charged once."""

    def test_kill_between_commit_and_answer(
        self, site: Site, switch: pki.Leaf, database: Database
    ) -> None:
        """The switch heard nothing, asks the next daemon again, and hears what was charged then."""
        with serving(site, switch) as door:
            client = door.connect()
            first = client.ask("usage_rate", **told("call 0", 1, 590))
            # Nobody reads the answer to this one.
            client.send(b"00000000000000aa usage_rate class=voice destination=%b event=call%%201 quantity=60"
                b" started_at=2026-08-03T11%%3A00%%3A00Z uid=%b\n" % (HOME.encode(), number_of(1).encode()))  # fmt: skip
            while rows(database, "SELECT count(*) FROM charge") != [(2,)]:
                pass
            door.daemon.signal(signal.SIGKILL)
            door.daemon.wait()
            client.connection.close()
        with serving(site, switch) as door:
            done, body = door.ask("usage_rate", **told("call 1", 1, 60))
            again = door.ask("usage_rate", **told("call 0", 1, 590))

        assert (done, body["included"], body["billable"]) == (True, 10, 50)
        assert again == first
        assert rows(database, "SELECT count(*), sum(billable) FROM charge") == [(2, 50)]
        assert rows(database, "SELECT balance FROM bucket") == [(0,)]

    def test_a_reservation_nobody_settles_expires_by_itself(
        self, site: Site, switch: pki.Leaf, database: Database
    ) -> None:
        """No worker, no clerk: the door's own process gives the minutes back."""
        with serving(site, switch) as door:
            assert door.ask("usage_reserve", **told("call 1", 1, 600), seconds="1")[0]
            door.daemon.event("reservations expired")

        assert rows(database, "SELECT balance, (SELECT state FROM reservation) FROM bucket") == [
            (600, "EXPIRED")
        ]

    def test_a_new_revision_counts_at_once(
        self, site: Site, switch: pki.Leaf, database: Database
    ) -> None:
        """A number that was assigned this moment is known."""
        with serving(site, switch) as door:
            before = door.ask("usage_rate", **told("call 1", 400))
            with closing(database.connect("postgres")) as owner, owner, owner.cursor() as txn:
                txn.execute(
                    "SET search_path TO bmu;"
                    "INSERT INTO revision (actor, note) VALUES ('test', 'assign');"
                    "INSERT INTO uid_history (uid_type, value, account_id, account_service_id, during, since)"
                    " SELECT 'phone', 44770090400, 1, 1, '[2000-01-01,)', max(id) FROM revision"
                )
            after = door.ask("usage_rate", **told("call 2", 400))

        assert (before[1]["reason"], after[1]["state"]) == ("NO_UID", "RATED")

    def test_stopping_answers_what_was_asked(self, site: Site, switch: pki.Leaf) -> None:
        """In order: nobody who asked is left without an answer, and the process ends well."""
        with serving(site, switch) as door:
            assert door.ask("usage_rate", **told("call 1"))[0]
            assert door.daemon.stop() == os.EX_OK


def test_the_whole_daemon_serves_sources_in_a_process_of_its_own(
    site: Site, switch: pki.Leaf
) -> None:
    """`bmuid run` has all doors; the staff sees in its list what the switch told of."""
    with running(site) as daemon:
        daemon.event("bmuid serves")
        door = Sources(daemon, switch)
        _, body = door.ask("usage_rate", **told("call 1"))
        _, listed = daemon.ask_admin(
            "usage_list", account="A1", from_="2026-08-01", to="2026-09-01"
        )

        assert [item["id"] for item in listed["items"]] == [body["charge"]]
        assert daemon.stop() == os.EX_OK


def test_every_part_of_the_daemon_asks_the_tax_service(
    site: Site, switch: pki.Leaf, database: Database, tmp_path: Path
) -> None:
    """A file, a switch's event and a clerk's question: all have the taxes that an installed package says."""
    site.write(
        usage=usage_of(site),
        tax={"service": "zip-rates"},
        **{
            f"usage.sources.{world.SOURCE}": SOURCE,
            "tax.settings": {"rates": str(plugged.EXAMPLE / "rates.csv")},
        },
    )
    with closing(database.connect("postgres")) as owner, owner, owner.cursor() as txn:
        txn.execute(
            "SET search_path TO bmu; INSERT INTO tax (code, name, rate_ppm, valid, since)"
            " VALUES ('STATE', 'State', 0, '(,)', 1), ('CITY', 'City', 0, '(,)', 1);"
            """INSERT INTO account_terms (account_id, attributes, since) VALUES (1, '{"zip": "10001"}', 1)"""
        )
    with running(site, PYTHONPATH=str(plugged.installed(tmp_path))) as daemon:
        daemon.event("bmuid serves")
        call = told("call 1", destination=AWAY)
        _, rated = Sources(daemon, switch).ask("usage_rate", **call)
        _, quoted = daemon.ask_admin("usage_quote", source=world.SOURCE, **call)
        _, plain = daemon.ask_admin(
            "usage_quote", source=world.SOURCE, **call | {"uid": number_of(2)}
        )
        world.put(site.directory / "spool", "a.csv", [world.call("1.1", 1, AWAY, 60)])
        daemon.event("file done")

        assert (rated["tax"], quoted["tax"], plain["tax"]) == ("0.051", "0.051", "0.12")
        assert (
            rows(database, "SELECT tax_e11, detail -> 'taxes' ->> 4 FROM charge")
            == [(5_100_000_000, "zip-rates")] * 2
        )
        assert daemon.stop() == os.EX_OK


def test_all_faults_of_the_usage_door_are_told_at_start(site: Site) -> None:
    """What is missing, misspelt or unfit, each in a line; and without a section there is no door."""
    site.write(usage={**usage_of(site), "certificate": "none.pem", "group_max": 0, "colour": 1},
        **{"usage.sources.PBX": {"serials": ["XY"], "uid_types": ["SIM!"]}})  # fmt: skip
    status, lines = refused_start(site, "--only", "realtime")

    assert status == os.EX_CONFIG
    assert {line.split(": ")[1] for line in lines} == {
        "usage.certificate", "usage.group_max", "usage.colour", "usage.sources.PBX.code",
        "usage.sources.PBX.serials", "usage.sources.PBX.uid_types",
    }  # fmt: skip
    site.write()
    assert refused_start(site, "--only", "realtime") == (
        os.EX_CONFIG,
        ["bmuid: usage: there is no such section; it says which sources may tell of usage"],
    )
