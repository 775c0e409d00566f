"""
What RADIUS attributes are called and how their values are written: RFC 2865 to 2869, 3162, 4372, 4818, 5580, 6911, 3GPP TS 29.061.

The names, of values too, are those of FreeRADIUS, which also writes them into its detail files. What is not here is kept by its number.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """How a value is written in octets."""

    TEXT = "t"
    OCTETS = "o"
    NUMBER = "n"
    ADDRESS = "a"
    DATE = "d"
    IPV6_ADDRESS = "6"
    IPV6_PREFIX = "p"
    INTERFACE = "i"
    TAGGED_TEXT = "T"
    TAGGED_NUMBER = "N"


@dataclass(frozen=True, slots=True)
class Named:
    """An attribute's name and kind; *values*: names of numbers that it may have."""

    name: str
    kind: Kind
    values: Mapping[int, str]


VALUES: Mapping[str, Mapping[int, str]] = {
    "Acct-Status-Type": {
        1: "Start", 2: "Stop", 3: "Interim-Update", 7: "Accounting-On", 8: "Accounting-Off",
        9: "Tunnel-Start", 10: "Tunnel-Stop", 11: "Tunnel-Reject", 12: "Tunnel-Link-Start",
        13: "Tunnel-Link-Stop", 14: "Tunnel-Link-Reject", 15: "Failed",
    },
    "Acct-Authentic": {1: "RADIUS", 2: "Local", 3: "Remote", 4: "Diameter"},
    "Acct-Terminate-Cause": {
        1: "User-Request", 2: "Lost-Carrier", 3: "Lost-Service", 4: "Idle-Timeout", 5: "Session-Timeout",
        6: "Admin-Reset", 7: "Admin-Reboot", 8: "Port-Error", 9: "NAS-Error", 10: "NAS-Request",
        11: "NAS-Reboot", 12: "Port-Unneeded", 13: "Port-Preempted", 14: "Port-Suspended",
        15: "Service-Unavailable", 16: "Callback", 17: "User-Error", 18: "Host-Request",
    },
    "Service-Type": {
        1: "Login-User", 2: "Framed-User", 3: "Callback-Login-User", 4: "Callback-Framed-User",
        5: "Outbound-User", 6: "Administrative-User", 7: "NAS-Prompt-User", 8: "Authenticate-Only",
        9: "Callback-NAS-Prompt", 10: "Call-Check", 11: "Callback-Administrative",
    },
    "Framed-Protocol": {1: "PPP", 2: "SLIP", 3: "ARAP", 4: "Gandalf-SLML", 5: "Xylogics-IPX-SLIP", 6: "X.75-Synchronous"},
    "NAS-Port-Type": {
        0: "Async", 1: "Sync", 2: "ISDN", 3: "ISDN-V120", 4: "ISDN-V110", 5: "Virtual", 6: "PIAFS",
        7: "HDLC-Clear-Channel", 8: "X.25", 9: "X.75", 10: "G.3-Fax", 11: "SDSL", 12: "ADSL-CAP",
        13: "ADSL-DMT", 14: "IDSL", 15: "Ethernet", 16: "xDSL", 17: "Cable", 18: "Wireless-Other",
        19: "Wireless-802.11",
    },
}  # fmt: skip

# Number, name, kind. Passwords, keys and the parts of EAP have no business in accounting: they are kept by their numbers.
STANDARD = """
1 User-Name t|4 NAS-IP-Address a|5 NAS-Port n|6 Service-Type n|7 Framed-Protocol n|8 Framed-IP-Address a
9 Framed-IP-Netmask a|10 Framed-Routing n|11 Filter-Id t|12 Framed-MTU n|13 Framed-Compression n|14 Login-IP-Host a
15 Login-Service n|16 Login-TCP-Port n|18 Reply-Message t|19 Callback-Number t|20 Callback-Id t|22 Framed-Route t
24 State o|25 Class o|27 Session-Timeout n|28 Idle-Timeout n|29 Termination-Action n|30 Called-Station-Id t
31 Calling-Station-Id t|32 NAS-Identifier t|33 Proxy-State o|40 Acct-Status-Type n|41 Acct-Delay-Time n
42 Acct-Input-Octets n|43 Acct-Output-Octets n|44 Acct-Session-Id t|45 Acct-Authentic n|46 Acct-Session-Time n
47 Acct-Input-Packets n|48 Acct-Output-Packets n|49 Acct-Terminate-Cause n|50 Acct-Multi-Session-Id t
51 Acct-Link-Count n|52 Acct-Input-Gigawords n|53 Acct-Output-Gigawords n|55 Event-Timestamp d|61 NAS-Port-Type n
62 Port-Limit n|64 Tunnel-Type N|65 Tunnel-Medium-Type N|66 Tunnel-Client-Endpoint T|67 Tunnel-Server-Endpoint T
68 Acct-Tunnel-Connection t|77 Connect-Info t|81 Tunnel-Private-Group-Id T|82 Tunnel-Assignment-Id T
83 Tunnel-Preference N|85 Acct-Interim-Interval n|86 Acct-Tunnel-Packets-Lost n|87 NAS-Port-Id t|88 Framed-Pool t
89 Chargeable-User-Identity o|90 Tunnel-Client-Auth-Id T|91 Tunnel-Server-Auth-Id T|95 NAS-IPv6-Address 6
96 Framed-Interface-Id i|97 Framed-IPv6-Prefix p|98 Login-IPv6-Host 6|99 Framed-IPv6-Route t|100 Framed-IPv6-Pool t
123 Delegated-IPv6-Prefix p|126 Operator-Name t|127 Location-Information o|128 Location-Data o
168 Framed-IPv6-Address 6|169 DNS-Server-IPv6-Address 6|170 Route-IPv6-Information p
171 Delegated-IPv6-Prefix-Pool t|172 Stateful-IPv6-Address-Pool t
"""
# By the vendor's number.
VENDORS = {
    9: "1 Cisco-AVPair t|51 Cisco-Service-Name t|52 Cisco-Parent-Session-Id t|250 Cisco-Account-Info t|251 Cisco-Service-Info t"
    "|252 Cisco-Command-Code t|253 Cisco-Control-Info t",
    2011: "138 Huawei-Domain-Name t|144 Huawei-Acct-IPv6-Input-Octets n|145 Huawei-Acct-IPv6-Output-Octets n"
    "|146 Huawei-Acct-IPv6-Input-Packets n|147 Huawei-Acct-IPv6-Output-Packets n|148 Huawei-Acct-IPv6-Input-Gigawords n"
    "|149 Huawei-Acct-IPv6-Output-Gigawords n|185 Huawei-Service-Info t|188 Huawei-AVpair t",
    3561: "1 ADSL-Agent-Circuit-Id o|2 ADSL-Agent-Remote-Id o|129 Actual-Data-Rate-Upstream n|130 Actual-Data-Rate-Downstream n",
    4874: "42 ERX-Input-Gigapkts n|43 ERX-Output-Gigapkts n|83 ERX-Service-Session t|151 ERX-IPv6-Acct-Input-Octets n"
    "|152 ERX-IPv6-Acct-Output-Octets n|153 ERX-IPv6-Acct-Input-Packets n|154 ERX-IPv6-Acct-Output-Packets n"
    "|155 ERX-IPv6-Acct-Input-Gigawords n|156 ERX-IPv6-Acct-Output-Gigawords n",
    10415: "1 3GPP-IMSI t|2 3GPP-Charging-ID n|3 3GPP-PDP-Type n|4 3GPP-Charging-Gateway-Address a"
    "|5 3GPP-GPRS-Negotiated-QoS-profile t|6 3GPP-SGSN-Address a|7 3GPP-GGSN-Address a|8 3GPP-IMSI-MCC-MNC t"
    "|9 3GPP-GGSN-MCC-MNC t|10 3GPP-NSAPI t|12 3GPP-Selection-Mode t|13 3GPP-Charging-Characteristics t"
    "|14 3GPP-Charging-Gateway-IPv6-Address 6|15 3GPP-SGSN-IPv6-Address 6|16 3GPP-GGSN-IPv6-Address 6"
    "|18 3GPP-SGSN-MCC-MNC t|20 3GPP-IMEISV t",
    14122: "1 WISPr-Location-ID t|2 WISPr-Location-Name t|5 WISPr-Bandwidth-Min-Up n|6 WISPr-Bandwidth-Min-Down n"
    "|7 WISPr-Bandwidth-Max-Up n|8 WISPr-Bandwidth-Max-Down n|11 WISPr-Billing-Class-Of-Service t",
    14988: "3 Mikrotik-Group t|8 Mikrotik-Rate-Limit t|9 Mikrotik-Realm t|10 Mikrotik-Host-IP a|11 Mikrotik-Mark-Id t"
    "|19 Mikrotik-Address-List t",
}
# Octets of type and length within a vendor's attribute, where they are not one each (RFC 2865, 5.26, leaves it to them).
WIDTHS = {429: (4, 0), 4846: (2, 1), 8164: (2, 2)}


def _read(text: str) -> Mapping[int, Named]:
    entries = (entry.split() for entry in text.replace("\n", "|").split("|") if entry)
    return {
        int(number): Named(name, Kind(kind), VALUES.get(name, {}))
        for number, name, kind in entries
    }


BY_NUMBER = _read(STANDARD)
BY_VENDOR = {vendor: _read(text) for vendor, text in VENDORS.items()}
