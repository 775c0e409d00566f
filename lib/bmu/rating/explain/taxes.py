"""What taxes came with the amount, and which were not owed."""

from collections.abc import Iterator

from bmu.money import ONE_E11, decimal_text
from bmu.rating.evidence import Evidence
from bmu.rating.explain.step import Step
from bmu.rating.explain.words import money
from bmu.rating.offers import TaxRow
from bmu.rating.taxation import TaxPart


def tax_step(evidence: Evidence) -> Step:
    """Tell each tax on the charge, and what it comes to with them."""
    taxes = evidence.taxes_told
    return Step(
        "Tax",
        " ".join(_text(evidence)),
        {
            "code": evidence.tax_code.code if evidence.tax_code else None,
            "service": taxes.service,
            "inclusive": taxes.inclusive,
            "net": decimal_text(taxes.net_e11),
            "taxes": [
                {
                    "tax": evidence.tax_row(part.tax_id).code,
                    "per_cent": _per_cent(evidence.tax_row(part.tax_id), part),
                    "base": decimal_text(part.base_e11),
                    "amount": decimal_text(part.tax_e11),
                    "certificate": part.certificate,
                }
                for part in taxes.parts
            ],
            "tax": decimal_text(evidence.tax_e11),
            "total": decimal_text(evidence.amount_e11 + evidence.tax_e11),
        },
    )


def _text(evidence: Evidence) -> Iterator[str]:
    taxes = evidence.taxes_told
    if evidence.tax_code is not None:
        yield f'The tax code that fits best is "{evidence.tax_code.name}".'
    if taxes.service is not None:
        yield f'The tax service "{taxes.service}" says which taxes hold.'
    if taxes.inclusive:
        net = money(evidence, taxes.net_e11)
        yield f"The price holds its taxes; without them it is {net}."
    if not taxes.parts:
        yield f"None. Together: {money(evidence, evidence.amount_e11)}."
        return
    for part in taxes.parts:
        yield _one(evidence, evidence.tax_row(part.tax_id), part)
    yield f"Together: {money(evidence, evidence.amount_e11 + evidence.tax_e11)}."


def _one(evidence: Evidence, row: TaxRow, part: TaxPart) -> str:
    if part.certificate is not None:
        return f"{row.name} is not owed: certificate {part.certificate}."
    # A base with a tax in it is said to be one, or nobody finds the amount again.
    held = ", which holds the taxes before," if row.compound else ""
    return (
        f"{row.name}: {_per_cent(row, part)} % of {money(evidence, part.base_e11)}{held} is"
        f" {money(evidence, part.tax_e11)}."
    )


def _per_cent(row: TaxRow, part: TaxPart) -> str:
    rate_ppm = row.rate_ppm if part.rate_ppm is None else part.rate_ppm
    return decimal_text(rate_ppm * ONE_E11 // 10_000)
