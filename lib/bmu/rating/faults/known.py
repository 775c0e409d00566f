"""The rows of a catalogue by code, for whoever checks that one row fits the others."""

from bmu.rating.offers import TariffRows
from bmu.usage import Unit


class Known:
    """What is there by code."""

    def __init__(self, rows: TariffRows) -> None:
        self.usage_classes = {row.code: row for row in rows.usage_classes}
        self.parents = {row.code: row.parent for row in rows.locations}
        self.location_groups = {row.code for row in rows.location_groups}
        self.time_periods = {row.code for row in rows.time_periods}
        self.calendars = {row.code for row in rows.calendars}
        self.roundings = {row.code for row in rows.roundings}
        self.plans = {row.code: row for row in rows.rate_plans}
        self.groups = {row.code: row for row in rows.rate_groups}
        self.reclasses = {row.code for row in rows.reclasses}
        self.bucket_types = {row.code: row for row in rows.bucket_types}
        self.taxes = {row.code for row in rows.taxes}
        self.packages = {row.code for row in rows.packages}
        self.has_tax_codes = bool(rows.tax_codes)
        # Locations and groups of them.
        self.anywhere = self.parents.keys() | self.location_groups

    def unit_of(self, usage_class: str) -> Unit | None:
        """Give what a class counts."""
        found = self.usage_classes.get(usage_class)
        return found.unit if found else None
