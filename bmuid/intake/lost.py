"""Lines that were charged once and lost their charge by rerating: taken in again from their usage records."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bmu.period import to_us
from bmu.rating import Owner, Tariff, Unrated
from bmu.usage import UDR
from bmuid.intake import inorder, rolling
from bmuid.intake.charging import drawable, note
from bmuid.intake.loops import by_day
from bmuid.intake.pricing import Needs
from bmuid.store import charges, draws, lives
from bmuid.store.lives import Key
from bmuid.store.reprocessing import Batch, Charge
from bmuid.store.transaction import Transaction
from bmuid.store.udrs import Priced


class Lost(NamedTuple):
    """An event whose charge was taken back, and which one that was."""

    udr: UDR
    charge: Charge


def lost_in(txn: Transaction, batch: Batch, uid: str | None) -> dict[int, Lost]:
    """Give those of the lines that were charged once, by number; if asked for, of one usage identifier."""
    wanted = {line.line_no: line.lost for line in batch.lines if line.lost is not None}
    if not wanted:
        return {}
    kept = lives.records(txn, list(wanted.values()))
    found = {line_no: Lost(kept[each.udr_id].udr, each) for line_no, each in wanted.items()}
    return {line_no: each for line_no, each in found.items() if uid in {None, each.udr.uid}}


def keeps_account(udr: UDR, owner: Owner, lost: Mapping[int, Lost]) -> bool:
    """Tell whether an event lost its charge, and is still of the account that paid it."""
    found = lost.get(udr.line_no)
    return found is not None and found.charge.account_id == owner.account_id


def charge_again(
    txn: Transaction,
    tariff: Tariff,
    needs: Needs,
    usage: Sequence[tuple[UDR, Owner]],
    lost: Mapping[int, Lost],
) -> list[tuple[UDR, Unrated]]:
    """Rate usage whose records keep their account, and charge it by another version; give what has no price."""
    if not usage:
        return []
    udrs, owners = [udr for udr, _ in usage], [owner for _, owner in usage]
    there = drawable(txn, tariff, needs, owners)
    outcomes = inorder.rate_in_order(txn, tariff, there, udrs, owners)
    rolling.carry_in(txn, there)
    found, unpriced = by_day(udrs, owners, outcomes)
    days = []
    for day, of_events, of_owners, rated in found:
        held = [lost[udr.line_no].charge for udr in of_events]
        versions = _newest(txn, held)
        priced = Priced([each.udr_id for each in held], of_events, of_owners, rated)
        new = [versions[each.udr_id] + 1 for each in held]
        charges.add_again(txn, day, priced, tariff.revision, new)
        days.append((day, priced, new))
    draws.add_again(txn, days, there.elsewhere)
    rolling.let_lapse(txn, there)
    note(txn, tariff, there)
    return unpriced


def _newest(txn: Transaction, held: Sequence[Charge]) -> dict[int, int]:
    versions: dict[int, int] = {}
    for account_id in {each.account_id for each in held}:
        keys = [
            Key(to_us(each.started_at), each.udr_id)
            for each in held
            if each.account_id == account_id
        ]
        versions |= lives.newest_version(txn, account_id, keys)
    return versions
