"""A file of each format that bmuid knows, from the spool to what is charged."""

import gzip
import io
import lzma
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from conftest import Database
from offices import Office, opened

from bmuid.intake.assembly import Sessions
from bmuid.intake.spool import Spool
from bmuid.worker.assembling import Assembling

SAMPLES = Path(__file__).parents[1] / "samples"
# Ada has them all: the calls, the line, the cable modem, the address, the machines.
HELD = """
    INSERT INTO usage_class (code, name, unit, rater, since)
        VALUES ('data', 'Data', 'DATA', 'CLASS', 1), ('event', 'Hours', 'COUNT', 'CLASS', 1),
               ('sms', 'Messages', 'COUNT', 'CLASS', 1), ('voice-in', 'Calls received', 'TIME', 'CLASS', 1);
    INSERT INTO uid_history (uid_type, value, account_id, account_service_id, during, since)
        SELECT kind, held, account_id, id, during, 1 FROM account_service, (VALUES
            ('phone', '442079460123'), ('phone', '447700900123'), ('login', 'ada@example.net'), ('mac', '00-00-5e-00-53-01'),
            ('ip', '10.0.0.10'), ('subject', 'ada-1001')) AS each (kind, held)
        WHERE account_id = (SELECT min(id) FROM account);
    INSERT INTO rate (code, rate_group, usage_class, rounding, kind, price_e11, per, since) VALUES
        ('ALL/data', 'ALL', 'data', NULL, 'STANDARD', 1000000000, 1000000000, 1),
        ('ALL/sms', 'ALL', 'sms', NULL, 'STANDARD', 10000000000, 1, 1),
        ('ALL/voice-in', 'ALL', 'voice-in', NULL, 'STANDARD', 1000000000, 1, 1),
        ('ALL/event', 'ALL', 'event', NULL, 'STANDARD', 50000000000, 1, 1);
"""
PENNY_E11 = 10**9
CALL = (73, 73 * PENNY_E11)  # seconds, at 60 pence a minute
AT_HOME = (73, 0)
MESSAGE = (1, 10 * PENNY_E11)
# Sample and profile; then of each charge, quantity and amount.
FILES: dict[str, tuple[str, list[tuple[int, int]]]] = {
    "asterisk-cdr-adaptive": ("asterisk/cdr-adaptive.csv", [CALL]),
    "kamailio-cdrs-csv": ("kamailio/cdrs.csv", [CALL]),
    "opensips-acc-csv": ("opensips/acc.csv", [CALL]),
    "freeswitch-json-cdr": ("freeswitch/json-cdr.json", [CALL]),
    "freeswitch-xml-cdr": ("freeswitch/xml-cdr.xml", [CALL]),
    "opensips-acc": ("opensips/acc.log", [CALL]),
    "cisco-cucm-cdr": ("cisco/cdr_StandAloneCluster_01_202608030910_1", [CALL]),
    "broadworks-cdr": ("broadworks/BW-CDR-20260803090000-2-00005E005340-000001.csv", [CALL]),
    "cloudevents-usage": ("cloudevents/batch.json", [(3, 150 * PENNY_E11)]),
    "freeradius-detail": ("freeradius/detail-20260803", [(16_410_065_408, 16_410_000_000)]),
    "docsis-samis-ipdr": ("ipdr/samis.xml", [(7_500_000_000, 7_500_000_000)]),
    "3gpp-msc": (
        "3gpp/msc.ber",
        [CALL, AT_HOME, CALL, (3600, 3600 * PENNY_E11), (20, 20 * PENNY_E11), MESSAGE],
    ),
    "3gpp-pgw": ("3gpp/pgw.cdr", [(5_001_000_025, 5_000_000_000), (100, 0), (9_734, 0)]),
    "3gpp-smf": ("3gpp/chf.ber", [(5_000_000_770, 5_000_000_000)]),
    "gsma-tap3": ("gsma/CDGBRT1DEUT100042", [AT_HOME, MESSAGE, (40, 40 * PENNY_E11), (10_000, 0)]),
    "netflow": ("netflow/private.ipfix", [(1280, 0), (28_960, 0), (400, 0)]),
}


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Iterator[Office]:
    """Give the company, where Ada holds whatever the samples name."""
    with opened(database, tmp_path) as office:
        office.as_owner(HELD)
        yield office


def source(office: Office, profile: str) -> None:
    """Give the source another profile, and its directories."""
    office.as_owner(f"UPDATE source SET profile = '{profile}'")
    Spool(office.spool).make("pbx")


def work(office: Office) -> None:
    """Take in what there is, gather what is in pieces, and rate it."""
    office.take_in()
    worker = Assembling(Sessions(Spool(office.spool), office.days_back, 3), office.parts)
    while worker.step(office.connection, datetime.now(UTC)):
        pass
    office.rate()


@pytest.mark.parametrize("profile", FILES)
def test_a_sample_is_charged(office: Office, profile: str) -> None:
    """Handed in as it came, the file ends as charges of what its records tell, and every row has a verdict."""
    sample, expected = FILES[profile]
    source(office, profile)
    (office.spool / "pbx/in/file").write_bytes((SAMPLES / sample).read_bytes())

    work(office)

    assert office.all("SELECT DISTINCT state FROM usage_file") == [("DONE",)]
    assert sorted(office.all("SELECT quantity, amount_e11 FROM charge")) == sorted(expected)


def zipped(octets: bytes) -> bytes:
    """Make a zip file with one member."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("usage", octets)
    return made.getvalue()


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, zipped])
@pytest.mark.parametrize("profile", ["freeswitch-json-cdr", "opensips-acc"])
def test_a_compressed_file_is_charged(
    office: Office, pack: Callable[[bytes], bytes], profile: str
) -> None:
    """Packed in any of the ways that are read, a file is the same usage as it is plain."""
    sample, expected = FILES[profile]
    source(office, profile)
    (office.spool / "pbx/in/file").write_bytes(pack((SAMPLES / sample).read_bytes()))

    work(office)

    assert office.all("SELECT quantity, amount_e11 FROM charge") == expected


def test_a_file_of_another_kind_is_held(office: Office) -> None:
    """A file that its source's profile can't be of waits, with the reason, and others go on."""
    source(office, "docsis-samis-ipdr")
    (office.spool / "pbx/in/wrong").write_bytes((SAMPLES / "kamailio/cdrs.csv").read_bytes())
    (office.spool / "pbx/in/right").write_bytes((SAMPLES / "ipdr/samis.xml").read_bytes())

    work(office)

    found = dict(office.all("SELECT name, state FROM usage_file WHERE name IN ('wrong', 'right')"))
    assert found == {"wrong": "HELD", "right": "DONE"}
    assert office.all("SELECT quantity FROM charge") == [(7_500_000_000,)]
