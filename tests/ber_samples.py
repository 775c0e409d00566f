"""
The recipe of the samples in BER: ``python tests/ber_samples.py`` writes them, encoded by pycrate.

Numbers, networks and addresses are those kept for examples: +44 7700 900xxx, +44 20 7946 0xxx, +33 1 99 00 xx xx, network 001-01, 192.0.2.0/24,
198.51.100.0/24.
"""

from collections.abc import Mapping
from pathlib import Path

from ber_records import (
    DATA,
    SERVICES,
    SESSION,
    TAP_HEAD,
    Value,
    cdr_file,
    charging_record,
    gateway_record,
    halves,
    number,
    switch_record,
    tap_batch,
    tap_file,
    tap_notification,
    time,
)

HERE = Path(__file__).parent / "samples"
EXCHANGE = number("447700900000")


def _switch(name: str, code: int, record: Mapping[str, Value]) -> bytes:
    """Encode a record of the subscriber with the number that is kept for examples."""
    told = {
        "recordType": code,
        "servedIMSI": halves("001010123456789"),
        "servedMSISDN": number("447700900123"),
        "recordingEntity": EXCHANGE,
    }
    return switch_record(name, told | record)


CALL = {
    "servedIMEI": halves("3569380356438090"),
    "callingNumber": bytes([0x11, 0x80]) + halves("447700900123"),
    "calledNumber": number("33199001234"),
    "mscIncomingTKGP": ("tkgpName", "BSC-1"),
    "mscOutgoingTKGP": ("tkgpName", "PARIS"),
    "location": {"locationAreaCode": b"\x12\x34", "cellId": b"\x00\x10"},
    "basicService": ("teleservice", b"\x11"),
    "seizureTime": time("2026-08-03T09:12:40+01:00"),
    "answerTime": time("2026-08-03T09:12:44+01:00"),
    "releaseTime": time("2026-08-03T09:13:57+01:00"),
    "callDuration": 73,
    "causeForTerm": 0,
    "callReference": b"\x4a\x01",
}
MESSAGE = {
    "msClassmark": b"\x33",
    "serviceCentre": number("447700900999"),
    "messageReference": b"\x07",
    "originationTime": time("2026-08-03T09:20:00+01:00"),
    "destinationNumber": b"\x0c" + number("447700900456"),
}


def switch_file() -> bytes:
    """A file of an MSC in blocks of 2048 octets: calls, one of two parts, messages, and what nobody is charged for."""
    national = CALL | {
        "calledNumber": number("2079460123", "national"),
        "callReference": b"\x4a\x02",
    }
    dialled = CALL | {
        "calledNumber": number("0033199001234", "unknown"),
        "callReference": b"\x4a\x03",
    }
    rung = {key: value for key, value in CALL.items() if key not in {"answerTime", "releaseTime"}}
    incoming = {key: value for key, value in CALL.items() if key != "calledNumber"}
    long = CALL | {"callReference": b"\x4a\x04", "callDuration": 3600}
    first = (
        _switch("moCallRecord", 0, CALL)
        + _switch("moCallRecord", 0, national)
        + _switch("moCallRecord", 0, dialled)
    )
    second = (
        _switch(
            "moCallRecord",
            0,
            rung | {"callDuration": 0, "causeForTerm": 4, "callReference": b"\x4a\x05"},
        )
        + _switch("mtCallRecord", 1, incoming | {"callReference": b"\x4a\x06"})
        + _switch(
            "moCallRecord",
            0,
            long | {"causeForTerm": 1, "sequenceNumber": 1, "partialRecordType": "timeLimit"},
        )
        + _switch("moCallRecord", 0, long | {"callDuration": 20, "sequenceNumber": 2})
    )
    third = _switch("moSMSRecord", 6, MESSAGE) + _switch(
        "moSMSRecord",
        6,
        MESSAGE | {"messageReference": b"\x08", "smsResult": ("gsm0408Cause", 38)},
    )
    return first.ljust(2048, b"\0") + second.ljust(2048, b"\xff") + third


def gateway_file() -> bytes:
    """A file of TS 32.297: both parts of a session, one with services alone, and the SGW's record of the first."""
    at_sgw = {key: value for key, value in DATA.items() if key != "p-GWAddress"}
    at_sgw |= {"recordType": 84, "s-GWAddress": DATA["p-GWAddress"]}
    last = DATA | {
        "recordSequenceNumber": 3,
        "causeForRecClosing": 0,
        "recordOpeningTime": time("2026-08-03T18:30:00+01:00"),
        "listOfTrafficVolumes": [
            {"dataVolumeGPRSUplink": 10, "dataVolumeGPRSDownlink": 90, "changeCondition": "recordClosure", "changeTime": time("2026-08-03T19:00:00+01:00")}
        ],
    }  # fmt: skip
    served = {key: value for key, value in DATA.items() if key != "listOfTrafficVolumes"}
    served |= {"chargingID": 7, "recordSequenceNumber": 1, "listOfServiceData": SERVICES}
    return cdr_file(
        [
            gateway_record("pGWRecord", DATA),
            gateway_record("pGWRecord", last),
            gateway_record("sGWRecord", at_sgw),
            gateway_record("pGWRecord", served),
        ]
    )


def charging_file() -> bytes:
    """Records of a CHF: a session of 5G, and a message, which is none."""
    message = {
        k: v
        for k, v in SESSION.items()
        if k not in {"pDUSessionChargingInformation", "listOfMultipleUnitUsage"}
    }
    message["sMSChargingInformation"] = {"eventtimestamp": time("2026-08-03T10:00:00+01:00")}
    return charging_record(SESSION) + charging_record(message)


SAMPLES = {
    "3gpp/msc.ber": switch_file,
    "3gpp/pgw.cdr": gateway_file,
    "3gpp/chf.ber": charging_file,
    "gsma/CDGBRT1DEUT100042": lambda: tap_file(tap_batch()),
    "gsma/CDGBRT1DEUT100043": lambda: tap_notification(
        {
            "sender": b"GBRT1",
            "recipient": b"DEUT1",
            "fileSequenceNumber": b"00043",
            "fileCreationTimeStamp": TAP_HEAD["batchControlInfo"]["fileCreationTimeStamp"],
            "specificationVersionNumber": 3,
            "releaseVersionNumber": 12,
        }
    ),
}

if __name__ == "__main__":
    for name, make in SAMPLES.items():
        path = HERE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(make())
