"""The catalogue as people write it: documents to rows, with all their faults at once, and rows to documents."""

from bmu.billing.catalogue.company import Catalogue, Company
from bmu.billing.catalogue.dump import dump, dump_parts, dump_tables
from bmu.billing.catalogue.read import DOCUMENT_CHARACTERS_MAX, read, read_parts
from bmu.billing.catalogue.reading import UNSTORED, Holidays

__all__ = [
    "DOCUMENT_CHARACTERS_MAX",
    "UNSTORED",
    "Catalogue",
    "Company",
    "Holidays",
    "dump",
    "dump_parts",
    "dump_tables",
    "read",
    "read_parts",
]
