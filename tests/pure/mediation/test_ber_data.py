"""Data sessions and roaming files in BER: volumes, services, currencies and clocks as their records have them."""

import json

import pytest
from ber_records import (
    DATA,
    SERVICES,
    SESSION,
    TAP_AUDIT,
    TAP_EVENTS,
    charging_record,
    gateway_record,
    halves,
    number,
    tap_batch,
    tap_file,
    tap_notification,
    time,
    written,
)
from ber_samples import HERE, SAMPLES

from bmu.mediation.decoding import UndecodableError, decode, decoding_faults
from bmu.mediation.profile import Decoding, Format

Row = dict[str, str]
SUBSCRIBER = "chargeableSubscriber.simChargeableSubscriber"
START = "callEventStartTimeStamp"


def rows(octets: bytes, map_code: str, **more: str) -> list[Row]:
    """Give the rows of a file."""
    wanted = Decoding(Format.BER, (("map", map_code), *more.items()))
    assert list(decoding_faults(wanted)) == []
    return [json.loads(line) for line in decode(wanted, [octets])]


def holds(row: Row, **expected: str) -> None:
    """Make sure that a row has these fields, whose dots are written as two underlines."""
    wanted = {name.replace("__", "."): text for name, text in expected.items()}
    assert {name: row.get(name) for name in wanted} == wanted


class TestGateways:
    """PGW and SGW."""

    def test_a_bearer_with_its_volumes(self) -> None:
        """Volumes are added up over the record, however often a tariff changed within it."""
        (row,) = rows(gateway_record("pGWRecord", DATA), "3gpp-gprs")

        holds(
            row,
            record="pGWRecord",
            chargingID="4275878552",
            servedIMSI="001010123456789",
            servedMSISDN="+447700900123",
            accessPointNameNI="internet.example",
            servedPDPPDNAddress="198.51.100.7",
            servingNodeAddress__0="192.0.2.2",
            servingNodePLMNIdentifier="00101",
            listOfTrafficVolumes__0__changeCondition="tariffTime",
            listOfTrafficVolumes__1__dataVolumeGPRSUplink="24",
            recordOpeningTime="2026-08-03T17:30:00+01:00",
            causeForRecClosing="volumeLimit",
            recordSequenceNumber="2",
            octetsUplink="1000024",
            octetsDownlink="5000000001",
        )
        assert row["p-GWAddress"] == "192.0.2.1"

    def test_a_gateway_with_ipv6_alone(self) -> None:
        """Addresses of either kind, and prefixes of them."""
        address = bytes.fromhex("20010db8000000000000000000000007")
        prefix = ("iPBinaryAddress", ("iPBinV6Address", ("iPBinV6AddressWithPrefix", {"iPBinV6Address": address, "pDPAddressPrefixLength": 56})))  # fmt: skip
        plain = ("iPBinaryAddress", ("iPBinV6Address", ("iPBinV6Address", address)))
        record = DATA | {
            "s-GWAddress": plain,
            "servedPDPPDNAddress": ("iPAddress", prefix),
            "recordType": 84,
        }
        record.pop("p-GWAddress")
        (row,) = rows(gateway_record("sGWRecord", record), "3gpp-gprs")

        assert row["s-GWAddress"] == "2001:db8::7"
        assert row["servedPDPPDNAddress"] == "2001:db8::7"
        assert row["servedPDPPDNAddress.prefixLength"] == "56"

    def test_each_service_makes_a_row(self) -> None:
        """Each has the record's own fields, and no other service's; volumes are its own."""
        octets = gateway_record("pGWRecord", DATA | {"listOfServiceData": SERVICES})
        first, second = rows(octets, "3gpp-gprs", each="listOfServiceData")

        holds(
            first,
            each="0",
            chargingID="4275878552",
            listOfServiceData__0__ratingGroup="10",
            octetsUplink="700",
            octetsDownlink="9000",
        )
        holds(
            second,
            each="1",
            chargingID="4275878552",
            listOfServiceData__0__ratingGroup="20",
            octetsUplink="30",
            octetsDownlink="4",
        )
        assert "listOfServiceData.1.ratingGroup" not in first | second
        assert "listOfServiceData.0.timeOfFirstUsage" not in second

    def test_a_record_without_services_still_makes_its_row(self) -> None:
        """Nothing is lost where a list is not there."""
        (row,) = rows(gateway_record("pGWRecord", DATA), "3gpp-gprs", each="listOfServiceData")

        holds(row, octetsUplink="1000024")
        assert "each" not in row

    def test_services_count_where_the_bearer_does_not(self) -> None:
        """With flow based charging a record may have the volumes of services alone."""
        record = DATA | {"listOfServiceData": SERVICES}
        record.pop("listOfTrafficVolumes")
        (row,) = rows(gateway_record("pGWRecord", record), "3gpp-gprs")

        holds(row, octetsUplink="730", octetsDownlink="9004")

    def test_more_services_than_a_line_holds_lose_no_octets(self) -> None:
        """The row has the first of them, all that they sum up to, and says that it was shortened."""
        octets = gateway_record(
            "pGWRecord", DATA | {"listOfServiceData": SERVICES * 150, "listOfTrafficVolumes": []}
        )
        (row,) = rows(octets, "3gpp-gprs")

        holds(row, shortened="true", octetsUplink=str(730 * 150), octetsDownlink=str(9004 * 150))
        assert "listOfServiceData.0.ratingGroup" in row
        assert "listOfServiceData.1.ratingGroup" not in row
        assert len(rows(octets, "3gpp-gprs", each="listOfServiceData")) == 300


class TestChargingFunction:
    """SMF and SMSF by way of a CHF."""

    @pytest.mark.parametrize("ways", [(), ("LUNDEF",)])
    def test_a_data_session(self, ways: tuple[str, ...]) -> None:
        """Units of all rating groups are added up; the session says who, where and when."""
        with written(*ways):
            octets = charging_record(SESSION)
        (row,) = rows(octets, "3gpp-chf")

        holds(
            row,
            record="chargingFunctionRecord",
            subscriberIdentifier__subscriptionIDType="eND-USER-IMSI",
            subscriberIdentifier__subscriptionIDData="imsi-001010123456789",
            nFunctionConsumerInformation__networkFunctionality="sMF",
            nFunctionConsumerInformation__networkFunctionIPv4Address="192.0.2.9",
            pDUSessionChargingInformation__pDUSessionChargingID="4000000001",
            pDUSessionChargingInformation__userIdentifier="447700900123",
            pDUSessionChargingInformation__networkSliceInstanceID__sST="1",
            pDUSessionChargingInformation__pDUAddress__pDUIPv4Address="198.51.100.8",
            pDUSessionChargingInformation__pDUAddress__pDUIPv6AddresswithPrefix="2001:db8::1",
            listOfMultipleUnitUsage__0__usedUnitContainers__1__triggers__0="105",
            chargingSessionIdentifier="session-9",
            recordSequenceNumber="1",
            causeForRecClosing="normalRelease",
            octetsTotal="5000000770",
            octetsUplink="220",
            octetsDownlink="5000000550",
        )

    def test_each_rating_group_makes_a_row(self) -> None:
        """What is priced by rating group stands by itself."""
        first, second = rows(charging_record(SESSION), "3gpp-chf", each="listOfMultipleUnitUsage")

        holds(first, listOfMultipleUnitUsage__0__ratingGroup="10", octetsTotal="770")
        holds(second, listOfMultipleUnitUsage__0__ratingGroup="20", octetsTotal="5000000000")

    def test_a_message_of_5g(self) -> None:
        """It comes the same way, with who wrote and to whom."""
        record = {key: value for key, value in SESSION.items() if key not in {"pDUSessionChargingInformation", "listOfMultipleUnitUsage"}}  # fmt: skip
        record["sMSChargingInformation"] = {
            "originatorInfo": {"originatorIMSI": halves("001010123456789"), "originatorMSISDN": number("447700900123")},
            "recipientInfos": [{"recipientMSISDN": number("447700900456")}],
            "eventtimestamp": time("2026-08-03T10:00:00+01:00"),
        }  # fmt: skip
        (row,) = rows(charging_record(record), "3gpp-chf")

        holds(
            row,
            sMSChargingInformation__originatorInfo__originatorMSISDN="+447700900123",
            sMSChargingInformation__recipientInfos__0__recipientMSISDN="+447700900456",
            sMSChargingInformation__eventtimestamp="2026-08-03T10:00:00+01:00",
        )


class TestRoaming:
    """TAP files."""

    @pytest.mark.parametrize("ways", [(), ("LUNDEF",), ("LLONG",)])
    def test_each_event_with_what_the_head_says_of_it(self, ways: tuple[str, ...]) -> None:
        """Times with their zone, the exchange's number, charges in the currency's own decimals."""
        with written(*ways):
            octets = tap_file(tap_batch())
        found = rows(octets, "gsma-tap3")

        assert [row["#"] for row in found[:3]] == [
            "batchControlInfo 00042: no usage",
            "accountingInfo: no usage",
            "networkInfo: no usage",
        ]
        call, message, answered, session, trailer = found[3:]
        for row in found[3:]:
            holds(
                row,
                sender="GBRT1",
                recipient="DEUT1",
                fileSequenceNumber="00042",
                tapCurrency="XDR",
            )
        holds(
            call,
            record="mobileOriginatedCall",
            exchange="447700900000",
            charge="1.384",
            tax="0.040",
        )
        holds(message, record="mobileOriginatedCall", exchange="447700900000", charge="0.300")
        holds(answered, record="mobileTerminatedCall", exchange="447700900000", charge="0.200")
        holds(session, record="gprsCall", exchange="447700900000", charge="0.077")
        assert call[f"moBasicCallInformation.{SUBSCRIBER}.imsi"] == "001010123456789"
        assert call[f"moBasicCallInformation.{SUBSCRIBER}.msisdn"] == "+447700900123"
        assert call["moBasicCallInformation.destination.calledNumber"] == "+442079460123"
        assert call[f"moBasicCallInformation.{START}"] == "2026-08-03T09:12:44+01:00"
        assert call[f"moBasicCallInformation.{START}.epoch"] == "1785744764"
        assert message[f"moBasicCallInformation.{START}"] == "2026-08-03T09:12:44-03:30"
        assert message["moBasicCallInformation.destination.sMSDestinationNumber"] == "447700900456"
        assert answered["mtBasicCallInformation.callOriginator.callingNumber"] == "+442079460123"
        assert session["gprsServiceUsed.dataVolumeIncoming"] == "9000"
        holds(trailer, record="auditControlInfo", callEventDetailsCount="4", totalCharge="1.961")

    def test_a_batch_without_its_audit_is_not_whole(self) -> None:
        """It was cut short: its events are there, and a word on what is missing."""
        batch = tap_batch()
        del batch["auditControlInfo"]
        found = rows(tap_file(batch), "gsma-tap3")

        assert [row["record"] for row in found[3:-1]] == [name for name, _ in TAP_EVENTS]
        assert found[-1]["!"].startswith("the batch ends without its audit control information")

    def test_a_batch_that_is_cut_says_so(self) -> None:
        """Its length tells that there was more."""
        octets = tap_file(tap_batch())

        for end in (len(octets) - 1, len(octets) - 40, len(octets) // 2):
            assert "the file ends" in rows(octets[:end], "gsma-tap3")[-1]["!"]

    def test_a_notification_is_no_usage(self) -> None:
        """Partners send one where there was nothing to charge for."""
        head = {
            "sender": b"GBRT1",
            "recipient": b"DEUT1",
            "fileSequenceNumber": b"00043",
            "specificationVersionNumber": 3,
            "releaseVersionNumber": 12,
        }

        assert rows(tap_notification(head), "gsma-tap3") == [
            {"#": "notification 00043: no usage"},
            {"record": "auditControlInfo", "callEventDetailsCount": "0", "totalCharge": "0"},
        ]

    def test_a_file_of_calls_is_no_tap_file(self) -> None:
        """It is told from its first record, before anything is taken."""
        with pytest.raises(UndecodableError, match="tag79 is no record of gsma-tap3"):
            rows(gateway_record("pGWRecord", DATA), "gsma-tap3")

    def test_an_audit_with_other_totals_is_told_as_it_stands(self) -> None:
        """The profile holds such a file; the decoder changes nothing."""
        found = rows(
            tap_file(tap_batch(auditControlInfo=TAP_AUDIT | {"callEventDetailsCount": 5})),
            "gsma-tap3",
        )

        holds(found[-1], callEventDetailsCount="5")


class TestSamples:
    """The files that stand in the tree."""

    @pytest.mark.parametrize("name", SAMPLES)
    def test_a_sample_is_what_its_recipe_makes(self, name: str) -> None:
        """Whoever changes the one changes the other."""
        assert (HERE / name).read_bytes() == SAMPLES[name]()
