"""Days: however many workers need the same one at once, it is made once."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import date, timedelta
from threading import Barrier

from conftest import Database

FIRST = date(2026, 8, 1)
DAYS = 8
WORKERS = 4


def test_workers_that_need_the_same_days_at_once_all_get_them(database: Database) -> None:
    """No worker fails because another one made the day a moment earlier."""
    together = Barrier(WORKERS)

    def make_days(_: int) -> int:
        made = 0
        with closing(database.connect()) as connection, connection.cursor() as cursor:
            for n in range(DAYS):
                together.wait(timeout=60)
                cursor.execute("SELECT ensure_day(%s)", (FIRST + timedelta(days=n),))
                row = cursor.fetchone()
                connection.commit()
                made += row == (True,)
        return made

    with ThreadPoolExecutor(WORKERS) as threads:
        assert sum(threads.map(make_days, range(WORKERS))) == DAYS
