"""Files of exchanges, gateways and partners: each record becomes the usage that a clerk would read in it."""

from dataclasses import replace

import pytest
from ber_records import TAP_AUDIT, tap_batch, tap_file
from ber_samples import HERE

from bmu.mediation import BUILT_IN, Mediator, Profile, Reject, SourceSettings
from bmu.mediation.decoding import decode
from bmu.mediation.totals import Totals
from bmu.period import from_us
from bmu.usage import UDR

LONDON = SourceSettings("one", "Europe/London", "44", "0", "00")
Expected = tuple[str, str, str, int, str, str] | str
ADA = "phone 447700900123"


def lines_of(profile: Profile, octets: bytes) -> list[bytes]:
    """Give the lines of a file."""
    assert profile.decoding is not None
    return list(decode(profile.decoding, [octets]))


def read(taken: UDR | Reject) -> Expected:
    """Give what a clerk looks at: whose, of what class, when, how much, from where, to where."""
    if isinstance(taken, Reject):
        return taken.detail.partition(":")[0]
    began = str(from_us(taken.started_us).replace(tzinfo=None))
    whose = f"{taken.uid_type} {taken.uid}"
    return whose, taken.usage_class, began, taken.quantity, taken.origin, taken.destination


def call(called: str, seconds: int) -> Expected:
    """Give a call that was answered at a quarter past nine, summer time."""
    return (ADA, "voice", "2026-08-03 08:12:44", seconds, "447700900123", called)


def data(began: str, octets: int, network: str = "internet.example") -> Expected:
    """Give a data session."""
    return (ADA, "data", began, octets, "447700900123", network)


READ: list[tuple[str, str, list[Expected]]] = [
    ("3gpp-msc", "3gpp/msc.ber", [
        call("33199001234", 73),
        # Dialled as a national number, and with the international prefix.
        call("442079460123", 73),
        call("33199001234", 73),
        "not answered",
        "not made by a subscriber here",
        # Both parts of a call that lasted long.
        call("33199001234", 3600),
        call("33199001234", 20),
        (ADA, "sms", "2026-08-03 08:20:00", 1, "447700900123", "447700900456"),
        "message not taken",
    ]),
    ("3gpp-pgw", "3gpp/pgw.cdr", [
        "file header",
        data("2026-08-03 16:30:00", 5_001_000_025),
        data("2026-08-03 17:30:00", 100),
        "of the serving gateway",
        data("2026-08-03 16:30:00", 9_734),
    ]),
    ("3gpp-smf", "3gpp/chf.ber", [
        data("2026-08-03 16:30:00", 5_000_000_770, "internet"),
        "no data session",
    ]),
    ("gsma-tap3", "gsma/CDGBRT1DEUT100042", [
        "batchControlInfo 00042", "accountingInfo", "networkInfo",
        call("442079460123", 73),
        # Sent from Newfoundland, half an hour off.
        (ADA, "sms", "2026-08-03 12:42:44", 1, "447700900123", "447700900456"),
        (ADA, "voice-in", "2026-08-03 08:12:44", 40, "442079460123", "447700900123"),
        data("2026-08-03 08:12:44", 10_000),
        "trailer row",
    ]),
    ("gsma-tap3", "gsma/CDGBRT1DEUT100043", ["notification 00043", "trailer row"]),
]  # fmt: skip


@pytest.mark.parametrize(("code", "sample", "expected"), READ, ids=[row[1] for row in READ])
def test_a_sample_is_the_usage_that_it_tells(
    code: str, sample: str, expected: list[Expected]
) -> None:
    """From the octets as they came to what is charged, by the profile that comes with bmuid."""
    profile = BUILT_IN[code]
    lines = lines_of(profile, (HERE / sample).read_bytes())
    taken = Mediator(profile, LONDON).take_many(lines, 1)

    assert list(map(read, taken)) == expected
    keys = [each.event_key for each in taken if isinstance(each, UDR)]
    assert len(set(keys)) == len(keys)


def test_what_a_partner_charges_is_kept() -> None:
    """Without tax, in the decimals and the currency of the file."""
    profile = BUILT_IN["gsma-tap3"]
    lines = lines_of(profile, (HERE / "gsma/CDGBRT1DEUT100042").read_bytes())
    taken = Mediator(profile, LONDON).take_many(lines, 1)

    assert [each.extras for each in taken if isinstance(each, UDR)] == [
        {"cost": cost, "currency": "XDR"} for cost in ("1.384", "0.300", "0.200", "0.077")
    ]


@pytest.mark.parametrize(
    ("audit", "faults_of_file"),
    [
        ({}, ()),
        ({"callEventDetailsCount": 5}, ("the trailer says 5 rows (callEventDetailsCount), the file has 4",)),
        ({"totalCharge": 1960}, ("the trailer says 1.960 as the sum of charge (totalCharge), the file has 1.961",)),
    ],
)  # fmt: skip
def test_a_batch_is_held_to_its_audit(
    audit: dict[str, int], faults_of_file: tuple[str, ...]
) -> None:
    """Events that a partner counted and that are not there, or charges that don't add up, hold the file."""
    profile = BUILT_IN["gsma-tap3"]
    totals = Totals(profile)
    for number, line in enumerate(
        lines_of(profile, tap_file(tap_batch(auditControlInfo=TAP_AUDIT | audit))), 1
    ):
        totals.add(number, line)

    assert totals.faults() == faults_of_file


def test_a_notification_is_a_whole_file() -> None:
    """A partner without usage sends it every day, and nobody has to release it."""
    profile = BUILT_IN["gsma-tap3"]
    totals = Totals(profile)
    lines = lines_of(profile, (HERE / "gsma/CDGBRT1DEUT100043").read_bytes())
    for number, line in enumerate(lines, 1):
        totals.add(number, line)

    assert totals.faults() == ()


def test_each_service_of_a_session_can_be_usage_of_its_own() -> None:
    """With one setting more, what is priced by rating group stands by itself, and no octet counts twice."""
    profile = BUILT_IN["3gpp-pgw"]
    assert profile.decoding is not None
    each_service = (*profile.decoding.settings, ("each", "listOfServiceData"))
    split = replace(profile, decoding=replace(profile.decoding, settings=each_service))
    octets = (HERE / "3gpp/pgw.cdr").read_bytes()
    whole, parts = (
        [
            each
            for each in Mediator(p, LONDON).take_many(lines_of(p, octets), 1)
            if isinstance(each, UDR)
        ]
        for p in (profile, split)
    )

    assert [each.quantity for each in parts] == [5_001_000_025, 100, 9_700, 34]
    assert sum(each.quantity for each in parts) == sum(each.quantity for each in whole)
    assert len({each.event_key for each in parts}) == len(parts)
