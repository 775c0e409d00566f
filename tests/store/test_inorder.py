"""Usage rated in its order, whoever else rates in the process."""

from contextlib import closing
from threading import Thread

from conftest import Database
from pure.rating.shop import call, owner, priced, shop

from bmu.rating import TaxRequest, TaxService
from bmuid.intake import inorder
from bmuid.intake.drawable import Drawable


def test_events_told_by_several_clerks_at_once_are_rated_one_after_the_other(
    database: Database,
) -> None:
    """While the tax service is asked about one, another clerk's thread comes: it waits, and nothing is mixed up."""
    could: list[bool] = []

    def another_comes() -> None:
        could.append(inorder.one_at_a_time.acquire(blocking=False))

    def ask(_request: TaxRequest) -> None:
        thread = Thread(target=another_comes)
        thread.start()
        thread.join()

    tariff = shop(priced("1"), tax_service=TaxService("example", ask))
    with closing(database.connect("bmuid")) as connection, connection.cursor() as txn:
        found = inorder.rate_in_order(txn, tariff, Drawable({}, {}, {}), [call(60)], [owner()])

    assert len(found) == 1
    assert could == [False]
    assert not inorder.one_at_a_time.locked()
