"""The recording from Kamailio: which calls SIPp is to make, and what the recorded file holds."""

from datetime import date

from harbour.calls import Line, dialled
from harbour.chance import Chance
from harbour.places import NO_RATE
from harbour.traffic import Favourites

CALLS = 420
OUTCOMES = (("answer", 86), ("busy", 8), ("ring", 6))
NOBODYS = "+4416329609"  # two more digits: no customer's


def numbers(chance: Chance, lines: list[Line]) -> str:
    """numbers.csv for SIPp: caller;called;outcome;milliseconds."""
    holders = [line for line in lines if line.held_to > date(2026, 11, 30)]
    favourites = Favourites()
    rows = ["SEQUENTIAL"]
    for index in range(CALLS):
        line = chance.pick(holders)
        _, called = favourites.next_of(chance, line)
        caller = f"{NOBODYS}{chance.below(100):02}" if index % 35 == 17 else f"+{line.number}"
        if index % 100 == 60:
            called = NO_RATE.number(chance)
        to = dialled(called) if chance.percent(20) else f"+{called}"
        outcome = chance.weighted(OUTCOMES)
        rows.append(f"{caller};{to};{outcome};{milliseconds(chance, outcome)}")
    return "\n".join(rows) + "\n"


def milliseconds(chance: Chance, outcome: str) -> int:
    """How long the caller waits before hanging up or giving up."""
    match outcome:
        case "answer":
            return 1000 + chance.below(19001)
        case "ring":
            return 500 + chance.below(4000)
        case _:
            return 0


def to_satellite(record: str) -> bool:
    """Whether a recorded call went to +881, which has no rate."""
    called = record.split("dst_user=")[1]
    return called.removeprefix("+").removeprefix("00").startswith("881")


def expected_recording(log: str) -> str:
    """The table of acc-recorded.log in expected.toml, counted from the recorded file itself."""
    records = [line.split("(): ", 1)[1] for line in log.splitlines()]
    answered = [each for each in records if each.startswith("start_time=")]
    known = [each for each in answered if f"src_user={NOBODYS}" not in each]
    unrated = [each for each in known if to_satellite(each)]
    rateable = [each for each in known if each not in unrated]
    lengths = [each.split("duration=")[1].split(";")[0] for each in rateable]
    thousandths = sum(int(each.replace(".", "")) for each in lengths)
    return f"""
# Recorded, not invented: a new recording changes these.
[[file]]
path = "kamailio/acc-recorded.log"
source = "sip-edge"
lines = {len(records)}
answered = {len(answered)}
rateable = {len(rateable)}
not_answered = {len(records) - len(answered)}
internal = 0
unknown_owner = {len(answered) - len(known)}
no_rate = {len(unrated)}
malformed = 0
duplicate = 0
conflict = 0
rateable_milliseconds = {thousandths}
"""
