"""Holidays of countries, for catalogues that name a country instead of days."""

from collections.abc import Iterable
from datetime import date


def holidays(country: str, subdivision: str | None, year: int) -> Iterable[date]:
    """
    Give the days that are public holidays of a country, or of one of its subdivisions, in a year.

    Errors:
        ValueError: no holidays are known of it.
    """
    # Not needed to start: it knows 200 countries.
    from holidays import country_holidays  # noqa: PLC0415

    try:
        return sorted(country_holidays(country, subdiv=subdivision, years=year))
    except NotImplementedError as error:
        raise ValueError(str(error)) from error
