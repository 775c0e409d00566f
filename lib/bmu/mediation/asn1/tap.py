"""TAP files of GSMA: what the head of a batch says of its currency, clocks and exchanges, told with each of its events."""

import re
from collections.abc import Iterator
from decimal import Decimal

from bmu.mediation.asn1.fields import Fields
from bmu.mediation.asn1.leaf import instant_of
from bmu.mediation.rows import BrokenError

HEADS = ("batchControlInfo", "accountingInfo", "networkInfo", "messageDescriptionInfo")
TRAILER, NOTIFICATION = "auditControlInfo", "notification"
# What a charge of an event is made of: the total (charge type 00) of each charged item, and the fee for CAMEL.
TOTAL_CHARGE = "00"
FEE = "camelInvocationFee"
DECIMAL_PLACES_MAX = 6
# Of a trailer, amounts in the currency of the batch.
AMOUNTS = re.compile(r"total(?:Charge|Tax|Discount)(?:Value|Refund)?")

_LOCAL = re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)", re.ASCII)
_OFFSET = re.compile(r"([+-]\d\d)(\d\d)", re.ASCII)
_STAMP = ".localTimeStamp"
_TOLD = ("sender", "recipient", "fileSequenceNumber", "fileTypeIndicator")
_EXCHANGES = (
    *("locationInformation.networkLocation.recEntityCode", "recEntityCode"),
    *("gprsLocationInformation.gprsNetworkLocation.recEntity.0", "recEntity.0"),
)


class Batch:
    """Keeps the head of a batch, and makes rows of its events."""

    __slots__ = ("_clocks", "_exchanges", "_head", "_places", "_whole")

    def __init__(self) -> None:
        self._head: Fields = {}
        self._clocks: dict[str, str] = {}
        self._exchanges: dict[str, str] = {}
        self._places = 0
        self._whole = False

    def rows(self, name: str, fields: Fields) -> Iterator[Fields]:
        """
        Give the row of an event or of the trailer; the head of a batch, and a notification, are no rows. Behind a notification stands a
        trailer of no events.

        An event's times are given with their zone under the time stamp's own name, its exchange as ``exchange``, its
        charge and tax as ``charge`` and ``tax``, in ``tapCurrency``.
        """
        if name in HEADS or name == NOTIFICATION:
            self._keep(name, fields)
            numbered = f" {fields['fileSequenceNumber']}" if "fileSequenceNumber" in fields else ""
            yield {"#": f"{name}{numbered}: no usage"}
            if name == NOTIFICATION:
                # It is whole, and holds no events.
                yield {"record": TRAILER, "callEventDetailsCount": "0", "totalCharge": "0"}
            return
        told = {"record": name, **self._head, **fields}
        if name == TRAILER:
            self._whole = True
            yield told | {
                field: self._amount(int(text))
                for field, text in fields.items()
                if AMOUNTS.fullmatch(field) and _is_whole(text)
            }
            return
        told |= self._times(fields)
        exchange = next((fields[each] for each in _EXCHANGES if each in fields), None)
        if exchange is not None:
            told["exchange"] = self._exchanges.get(exchange, exchange)
        yield told | self._money(fields)

    def ended(self, octet: int) -> None:
        """
        Make sure that the batch was whole.

        Errors:
            BrokenError: its audit control information is not there.
        """
        if not self._whole:
            raise BrokenError("the batch ends without its audit control information", octet)

    def _keep(self, name: str, fields: Fields) -> None:
        if name == NOTIFICATION:
            self._whole = True
        elif name == "batchControlInfo":
            self._head |= {field: fields[field] for field in _TOLD if field in fields}
        elif name == "accountingInfo":
            self._head |= {f: fields[f] for f in ("localCurrency", "tapCurrency") if f in fields}
            places = fields.get("tapDecimalPlaces", "")
            if places.isdecimal() and int(places) <= DECIMAL_PLACES_MAX:
                self._places = int(places)
        elif name == "networkInfo":
            self._clocks = _beside(fields, "utcTimeOffsetCode", "utcTimeOffset")
            self._exchanges = _beside(fields, "recEntityCode", "recEntityId")

    def _times(self, fields: Fields) -> Fields:
        times = {}
        for field, stamp in fields.items():
            if not field.endswith(_STAMP):
                continue
            name = field.removesuffix(_STAMP)
            offset = fields.get(f"{name}.utcTimeOffset")
            if offset is None:
                offset = self._clocks.get(fields.get(f"{name}.utcTimeOffsetCode", ""), "")
            local, zone = _LOCAL.fullmatch(stamp), _OFFSET.fullmatch(offset)
            if local and zone:
                written = "{}-{}-{}T{}:{}:{}".format(*local.groups()) + f"{zone[1]}:{zone[2]}"
                for part, text in (instant_of(written) or {}).items():
                    times[f"{name}.{part}" if part else name] = text
        return times

    def _money(self, fields: Fields) -> Fields:
        charges, taxes = [], []
        for field, text in fields.items():
            before, _, last = field.rpartition(".")
            if not _is_whole(text):
                continue
            kind = fields.get(f"{before}.chargeType" if before else "chargeType", TOTAL_CHARGE)
            if (last == "charge" and kind == TOTAL_CHARGE) or last == FEE:
                charges.append(int(text))
            elif last == "taxValue":
                taxes.append(int(text))
        money = {"charge": self._amount(sum(charges))} if charges else {}
        return money | ({"tax": self._amount(sum(taxes))} if taxes else {})

    def _amount(self, units: int) -> str:
        return f"{Decimal(units).scaleb(-self._places):f}"


def _beside(fields: Fields, key: str, value: str) -> dict[str, str]:
    """Give, of elements with both fields, the one by the other."""
    found = {}
    for field, text in fields.items():
        before, _, last = field.rpartition(".")
        if last == key and f"{before}.{value}" in fields:
            found[text] = fields[f"{before}.{value}"]
    return found


def _is_whole(text: str) -> bool:
    return text.removeprefix("-").isdecimal()
