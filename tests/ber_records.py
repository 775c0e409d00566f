"""Call records as a switch would write them, encoded by pycrate, which shares nothing with what reads them."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pycrate_asn1c.asnproc import PycrateGenerator, compile_text, generate_modules
from pycrate_asn1dir import CDR, TAP3
from pycrate_asn1rt.codecs import ASN1CodecBER

TONS = {"unknown": 0, "international": 1, "national": 2, "network": 3, "subscriber": 4}
PLAIN = {way: getattr(ASN1CodecBER, f"ENC_{way}") for way in ("LUNDEF", "LLONG", "OSTR_FRAG")}
Value = Any  # as pycrate takes it: a mapping, an alternative with its name, octets, a number


def halves(digits: str) -> bytes:
    """Give digits two an octet, the first one low (TBCD)."""
    even = digits + "f" * (len(digits) % 2)
    return bytes.fromhex("".join(even[n + 1] + even[n] for n in range(0, len(even), 2)))


def halves_in_order(digits: str) -> bytes:
    """Give digits two an octet, the first one high (BCD)."""
    return bytes.fromhex(digits + "f" * (len(digits) % 2))


def number(digits: str, ton: str = "international") -> bytes:
    """Give a number behind its type, in the plan of E.164."""
    return bytes([0x80 | TONS[ton] << 4 | 1]) + halves(digits)


def time(text: str) -> bytes:
    """Give ``2026-08-03T09:12:44+01:00`` in nine octets."""
    plain = text.replace("-", "", 2).replace(":", "").replace("T", "")[2:]
    return bytes.fromhex(plain[:12]) + plain[12].encode() + bytes.fromhex(plain[13:])


def switch_record(name: str, record: Mapping[str, Value]) -> bytes:
    """Encode a record of an MSC."""
    return encoded(CDR.CSChargingDataTypes.CSRecord, (name, record))


def gateway_record(name: str, record: Mapping[str, Value]) -> bytes:
    """Encode a record of a PGW or SGW."""
    return encoded(CDR.GPRSChargingDataTypes.GPRSRecord, (name, record))


def tap_file(batch: Mapping[str, Value]) -> bytes:
    """Encode a transfer batch."""
    return encoded(TAP3.TAP_0312.DataInterChange, ("transferBatch", batch))


def tap_notification(notification: Mapping[str, Value]) -> bytes:
    """Encode a notification: a file that says that there was no usage."""
    return encoded(TAP3.TAP_0312.DataInterChange, ("notification", notification))


def encoded(kind: Value, value: Value) -> bytes:
    """Encode a value of a type of pycrate's."""
    kind.set_val(value)
    octets: bytes = kind.to_ber()
    return octets


@contextmanager
def written(*ways: str) -> Iterator[None]:
    """Encode in other ways that BER allows: LUNDEF (ends marked), LLONG (long lengths), OSTR_FRAG (in pieces)."""
    for way in ways:
        setattr(ASN1CodecBER, f"ENC_{way}", 2 if way != "LUNDEF" else True)
    try:
        yield
    finally:
        for way in ways:
            setattr(ASN1CodecBER, f"ENC_{way}", PLAIN[way])


def cdr_file(
    records: Iterable[bytes], said: int | None = None, *, extended: bool = False
) -> bytes:
    """Put records in a file of TS 32.297; *said*: another number of them in its header."""
    records = list(records)
    body = b"".join(
        len(each).to_bytes(2, "big") + (b"\xf2\x2b\x09" if extended else b"\xd2\x2b") + each
        for each in records
    )
    routeing, private = b"route", b"ours"
    behind = (
        len(routeing).to_bytes(2, "big") + routeing + len(private).to_bytes(2, "big") + private
    )
    opened = 8 << 28 | 3 << 23 | 9 << 18 | 12 << 12 | 1 << 11 | 1 << 6
    head = (
        b"\xd2\xd2"
        + opened.to_bytes(4, "big") * 2
        + (len(records) if said is None else said).to_bytes(4, "big")
        + (42).to_bytes(4, "big")
        + b"\x03"
        + bytes(16)
        + bytes([192, 0, 2, 7])
        + b"\0"
        + behind
    )
    length = 8 + len(head)
    return (length + len(body)).to_bytes(4, "big") + length.to_bytes(4, "big") + head + body


@cache
def _charging_function() -> Value:
    """Compile the records of a CHF, which pycrate does not come with."""
    compile_text(Path(__file__).with_name("chf_records.asn").read_text())
    with TemporaryDirectory() as directory:
        made = Path(directory, "chf_records.py")
        with redirect_stdout(StringIO()):
            generate_modules(PycrateGenerator, str(made))
        spec = spec_from_file_location("chf_records", made)
        assert spec is not None
        assert spec.loader is not None
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
    return module.CHFRecords.Records


def charging_record(record: Mapping[str, Value]) -> bytes:
    """Encode a record of a CHF."""
    return encoded(_charging_function(), ("chargingFunctionRecord", record))


GATEWAY = ("iPBinaryAddress", ("iPBinV4Address", bytes([192, 0, 2, 1])))
# Addresses for examples; numbers as with calls.
DATA = {
    "recordType": 85,
    "servedIMSI": halves("001010123456789"),
    "p-GWAddress": GATEWAY,
    "chargingID": 0xFEDCBA98,
    "servingNodeAddress": [("iPBinaryAddress", ("iPBinV4Address", bytes([192, 0, 2, 2])))],
    "accessPointNameNI": "internet.example",
    "servedPDPPDNAddress": (
        "iPAddress",
        ("iPBinaryAddress", ("iPBinV4Address", bytes([198, 51, 100, 7]))),
    ),
    "listOfTrafficVolumes": [
        {
            "dataVolumeGPRSUplink": 1_000_000,
            "dataVolumeGPRSDownlink": 5_000_000_000,
            "changeCondition": "tariffTime",
            "changeTime": time("2026-08-03T18:00:00+01:00"),
        },
        {
            "dataVolumeGPRSUplink": 24,
            "dataVolumeGPRSDownlink": 1,
            "changeCondition": "recordClosure",
            "changeTime": time("2026-08-03T18:30:00+01:00"),
        },
    ],
    "recordOpeningTime": time("2026-08-03T17:30:00+01:00"),
    "duration": 3600,
    "causeForRecClosing": 16,
    "recordSequenceNumber": 2,
    "nodeID": "pgw1",
    "localSequenceNumber": 77,
    "servedMSISDN": number("447700900123"),
    "chargingCharacteristics": b"\x08\x00",
    "servingNodePLMNIdentifier": bytes([0x00, 0xF1, 0x10]),
    "rATType": 6,
    "mSTimeZone": b"\x40\x01",
    "servingNodeType": ["gTPSGW"],
}
SERVICES = [
    {
        "ratingGroup": 10,
        "localSequenceNumber": 1,
        "timeOfFirstUsage": time("2026-08-03T17:30:10+01:00"),
        "timeOfLastUsage": time("2026-08-03T18:29:00+01:00"),
        "serviceConditionChange": (0b0001, 4),
        "datavolumeFBCUplink": 700,
        "datavolumeFBCDownlink": 9000,
        "timeOfReport": time("2026-08-03T18:30:00+01:00"),
    },
    {
        "ratingGroup": 20,
        "localSequenceNumber": 2,
        "serviceConditionChange": (0b0001, 4),
        "datavolumeFBCUplink": 30,
        "datavolumeFBCDownlink": 4,
        "timeOfReport": time("2026-08-03T18:30:00+01:00"),
    },
]
SESSION = {
    "recordType": 200,
    "recordingNetworkFunctionID": "2b0a4ee6-chf",
    "subscriberIdentifier": {"subscriptionIDType": "imsi", "subscriptionIDData": "imsi-001010123456789"},
    "nFunctionConsumerInformation": {
        "networkFunctionality": 1,
        "networkFunctionName": "smf1",
        "networkFunctionIPv4Address": ("binary", ("v4", bytes([192, 0, 2, 9]))),
        "networkFunctionPLMNIdentifier": bytes([0x00, 0xF1, 0x10]),
    },
    "listOfMultipleUnitUsage": [
        {
            "ratingGroup": 10,
            "usedUnitContainers": [
                {"dataTotalVolume": 700, "dataVolumeUplink": 200, "dataVolumeDownlink": 500, "localSequenceNumber": 1},
                {"dataTotalVolume": 70, "dataVolumeUplink": 20, "dataVolumeDownlink": 50, "triggers": [("sMFTrigger", 105)]},
            ],
        },
        {
            "ratingGroup": 20,
            "usedUnitContainers": [{"dataTotalVolume": 5_000_000_000, "dataVolumeUplink": 0, "dataVolumeDownlink": 5_000_000_000}],
        },
    ],
    "recordOpeningTime": time("2026-08-03T17:30:00+01:00"),
    "duration": 3600,
    "recordSequenceNumber": 1,
    "causeForRecClosing": 0,
    "localRecordSequenceNumber": 4711,
    "pDUSessionChargingInformation": {
        "pDUSessionChargingID": 4_000_000_001,
        "userIdentifier": ("e164", "447700900123"),
        "userEquipmentInfo": {"subscriberEquipmentNumberType": 0, "subscriberEquipmentNumberData": halves("3569380356438090")},
        "pDUSessionId": 5,
        "networkSliceInstanceID": {"sST": 1, "sD": b"\x00\x00\x7b"},
        "rATType": 51,
        "dataNetworkNameIdentifier": "internet",
        "pDUAddress": {"pDUIPv4Address": ("binary", ("v4", bytes([198, 51, 100, 8]))), "pDUIPv6AddresswithPrefix": ("binary", ("v6", bytes.fromhex("20010db8" + "00" * 11 + "01")))},
        "pDUSessionstartTime": time("2026-08-03T17:30:00+01:00"),
    },
    "chargingSessionIdentifier": b"session-9",
}  # fmt: skip
STAMP = {"localTimeStamp": b"20260803091244", "utcTimeOffsetCode": 0}
TAP_HEAD = {
    "batchControlInfo": {
        "sender": b"GBRT1",
        "recipient": b"DEUT1",
        "fileSequenceNumber": b"00042",
        "fileCreationTimeStamp": {"localTimeStamp": b"20260804010000", "utcTimeOffset": b"+0100"},
        "transferCutOffTimeStamp": {
            "localTimeStamp": b"20260804000000",
            "utcTimeOffset": b"+0100",
        },
        "fileAvailableTimeStamp": {"localTimeStamp": b"20260804020000", "utcTimeOffset": b"+0100"},
        "specificationVersionNumber": 3,
        "releaseVersionNumber": 12,
    },
    "accountingInfo": {
        "localCurrency": b"GBP",
        "tapCurrency": b"XDR",
        "currencyConversionInfo": [
            {"exchangeRateCode": 0, "numberOfDecimalPlaces": 5, "exchangeRate": 120_000}
        ],
        "tapDecimalPlaces": 3,
    },
    "networkInfo": {
        "utcTimeOffsetInfo": [
            {"utcTimeOffsetCode": 0, "utcTimeOffset": b"+0100"},
            {"utcTimeOffsetCode": 1, "utcTimeOffset": b"-0330"},
        ],
        "recEntityInfo": [
            {"recEntityCode": 7, "recEntityType": 1, "recEntityId": b"447700900000"}
        ],
    },
}
_SUBSCRIBER = (
    "simChargeableSubscriber",
    {"imsi": halves_in_order("001010123456789"), "msisdn": halves_in_order("447700900123")},
)


def _charged(item: bytes, charge: int, units: int) -> dict[str, Value]:
    """Give what was charged for so many units."""
    return {
        "chargedItem": item,
        "exchangeRateCode": 0,
        "callTypeGroup": {"callTypeLevel1": 1, "callTypeLevel2": 0, "callTypeLevel3": 0},
        "chargeDetailList": [
            {
                "chargeType": b"00",
                "charge": charge,
                "chargeableUnits": units,
                "chargedUnits": units,
            },
            {"chargeType": b"01", "charge": charge // 2, "chargeableUnits": units},
        ],
        "taxInformation": [{"taxCode": 0, "taxValue": 20}],
    }


TAP_CALL = {
    "basicCallInformation": {
        "chargeableSubscriber": _SUBSCRIBER,
        "destination": {"calledNumber": halves_in_order("442079460123")},
        "callEventStartTimeStamp": STAMP,
        "totalCallEventDuration": 73,
        "causeForTerm": 0,
    },
    "locationInformation": {"networkLocation": {"recEntityCode": 7, "callReference": b"\x4a\x01"}},
    "basicServiceUsedList": [
        {
            "basicService": {"serviceCode": ("teleServiceCode", b"11")},
            "chargeInformationList": [_charged(b"D", 1234, 73), _charged(b"E", 100, 1)],
        }
    ],
    "camelServiceUsed": {"camelServiceKey": 5, "camelInvocationFee": 50},
}
TAP_MESSAGE = {
    "basicCallInformation": {
        "chargeableSubscriber": _SUBSCRIBER,
        "destination": {"sMSDestinationNumber": b"447700900456"},
        "callEventStartTimeStamp": STAMP | {"utcTimeOffsetCode": 1},
        "totalCallEventDuration": 0,
    },
    "locationInformation": {"networkLocation": {"recEntityCode": 7, "callReference": b"\x4a\x02"}},
    "basicServiceUsedList": [
        {
            "basicService": {"serviceCode": ("teleServiceCode", b"22")},
            "chargeInformationList": [_charged(b"E", 300, 1)],
        }
    ],
}
TAP_ANSWERED = {
    "basicCallInformation": {
        "chargeableSubscriber": _SUBSCRIBER,
        "callOriginator": {"callingNumber": halves_in_order("442079460123")},
        "callEventStartTimeStamp": STAMP,
        "totalCallEventDuration": 40,
    },
    "locationInformation": {"networkLocation": {"recEntityCode": 7, "callReference": b"\x4a\x03"}},
    "basicServiceUsedList": [
        {
            "basicService": {"serviceCode": ("teleServiceCode", b"11")},
            "chargeInformationList": [_charged(b"D", 200, 40)],
        }
    ],
}
TAP_SESSION = {
    "gprsBasicCallInformation": {
        "gprsChargeableSubscriber": {"chargeableSubscriber": _SUBSCRIBER},
        "gprsDestination": {"accessPointNameNI": b"internet.example"},
        "callEventStartTimeStamp": STAMP,
        "totalCallEventDuration": 600,
        "partialTypeIndicator": b"F",
        "chargingId": 4_000_000_001,
    },
    "gprsLocationInformation": {"gprsNetworkLocation": {"recEntity": [7]}},
    "gprsServiceUsed": {
        "dataVolumeIncoming": 9000,
        "dataVolumeOutgoing": 1000,
        "chargeInformationList": [_charged(b"X", 77, 10_000)],
    },
}
TAP_EVENTS = [
    ("mobileOriginatedCall", TAP_CALL),
    ("mobileOriginatedCall", TAP_MESSAGE),
    ("mobileTerminatedCall", TAP_ANSWERED),
    ("gprsCall", TAP_SESSION),
]
# Charges of type 00, and the fee for CAMEL: 1234 + 100 + 50 + 300 + 200 + 77.
TAP_AUDIT = {
    "totalCharge": 1961,
    "totalTaxValue": 100,
    "totalDiscountValue": 0,
    "callEventDetailsCount": 4,
}


def tap_batch(**other: Value) -> dict[str, Value]:
    """Give a batch of TAP with an event of each kind."""
    return TAP_HEAD | {"callEventDetails": TAP_EVENTS, "auditControlInfo": TAP_AUDIT} | other
