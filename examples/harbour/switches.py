"""What the two switches write down about a call: one line each, in their own layout.

Source: Asterisk cdr/cdr_csv.c; FreeSWITCH mod_cdr_csv with the template "example".
"""

from dataclasses import dataclass

from harbour.calls import Call, local
from harbour.chance import Chance

STAFF = (
    "Ada Brook",
    "Osei, Daniel",
    "Reception, 1st floor",
    'Pat "Sparky" Rourke',
    "Chloë O'Hara",
    "Jörg Weiß",
    "Sales & Returns",
    "Front desk",
    "Workshop",
)
NOTES = (("", 92), ("switchboard", 4), ("queue=sales, agent 4", 3), ('said "call back"', 1))
CAUSES = {"ANSWERED": "NORMAL_CLEARING", "BUSY": "USER_BUSY", "NO ANSWER": "NO_ANSWER"}


@dataclass(frozen=True, slots=True)
class Record:
    """A line as it stands in a file, and what it tells; `fault` only if it is malformed."""

    text: str
    call: Call
    unique_id: str
    billsec: int
    kind: str
    fault: str = ""


def caller_name(call: Call) -> str:
    """The name that the telephone shows: a household's own, in a firm somebody of the staff."""
    if call.line.business and call.line.account:
        return STAFF[int(call.line.number) % len(STAFF)]
    return call.line.name or "Unknown"


def stamp(at_ms: int) -> str:
    """Local time as both switches write it."""
    return f"{local(at_ms):%Y-%m-%d %H:%M:%S}"


def quoted(value: str) -> str:
    """A string as cdr_csv writes it."""
    return '"' + value.replace('"', '""') + '"'


def asterisk_line(chance: Chance, number: int, call: Call) -> Record:
    """The call as Asterisk's cdr_csv writes it into Master.csv, without the line end."""
    inside = call.kind == "internal"
    src = (
        call.line.number
        if inside
        else (f"+{call.line.number}" if chance.percent(8) else f"0{call.line.number[2:]}")
    )
    dst = call.dialled if inside or not chance.percent(12) else f"+{call.called}"
    owner = call.line.account.lower() or "guest"
    carrier = chance.pick(("carrier-a", "carrier-b"))
    sequence = 2 * number + 0x1A0
    reached = call.course.outcome != "FAILED" or chance.percent(40)
    billsec = (call.course.end_ms - call.course.answer_ms) // 1000 if call.course.answered else 0
    unique_id = f"{call.course.start_ms // 1000}.{sequence}"
    strings = [
        call.line.account,
        src,
        dst,
        "internal" if inside else "outbound",
        f'"{caller_name(call)}" <{src}>',
        f"PJSIP/{src if inside else owner}-{sequence:08x}",
        f"PJSIP/{dst if inside else carrier}-{sequence + 1:08x}" if reached else "",
        "Dial",
        f"PJSIP/{dst},30,tT" if inside else f"PJSIP/{dst}@{carrier},60,T",
        stamp(call.course.start_ms),
    ]
    fields = [
        *map(quoted, strings),
        quoted(stamp(call.course.answer_ms)) if call.course.answered else "",
        quoted(stamp(call.course.end_ms)),
        str((call.course.end_ms - call.course.start_ms) // 1000),
        str(billsec),
        quoted(call.course.outcome),
        quoted("DOCUMENTATION"),
        quoted(unique_id),
        quoted(chance.weighted(NOTES)),
    ]
    return Record(",".join(fields), call, unique_id, billsec, call.kind)


def uuid_text(chance: Chance) -> str:
    """A version 4 UUID as FreeSWITCH writes it."""
    digits = "".join(f"{chance.below(1 << 16):04x}" for _ in range(8))
    variant = "89ab"[chance.below(4)]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def freeswitch_line(chance: Chance, _number: int, call: Call) -> Record:
    """The call as mod_cdr_csv writes it with the template "example", without the line end."""
    src = f"0{call.line.number[2:]}" if chance.percent(10) else f"+{call.line.number}"
    dst = call.dialled if chance.percent(30) else f"+{call.called}"
    cause = CAUSES.get(call.course.outcome) or chance.pick(
        ("UNALLOCATED_NUMBER", "NORMAL_TEMPORARY_FAILURE")
    )
    if call.course.outcome == "NO ANSWER" and chance.percent(60):
        cause = "ORIGINATOR_CANCEL"
    codec = chance.weighted((("PCMA", 80), ("G722", 20)))
    reached = call.course.outcome != "FAILED"
    seconds = (
        call.course.end_ms // 1000 - call.course.answer_ms // 1000 if call.course.answered else 0
    )
    unique_id = uuid_text(chance)
    fields = (
        caller_name(call).replace('"', "'"),  # mod_cdr_csv escapes nothing
        src,
        dst,
        "default",
        stamp(call.course.start_ms),
        stamp(call.course.answer_ms) if call.course.answered else "",
        stamp(call.course.end_ms),
        str(call.course.end_ms // 1000 - call.course.start_ms // 1000),
        str(seconds),
        cause,
        unique_id,
        uuid_text(chance) if reached else "",
        call.line.account,
        codec,
        codec if reached else "",
    )
    return Record(",".join(f'"{field}"' for field in fields), call, unique_id, seconds, call.kind)
