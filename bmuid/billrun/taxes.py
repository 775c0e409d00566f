"""The taxes of what is billed: those that charges tell, those that come with what a package costs."""

from collections.abc import Iterable

from bmu.billing.invoice import TaxRate, TaxRates
from bmu.period import Period, to_us
from bmu.rating import TaxCodeRow, TaxRequest, TaxRow, TaxRules, TaxService, Untaxed
from bmu.rating.taxation import Levies, Taxes, taxes_on
from bmu.rating.taxcode import TaxPlace, TaxTraits
from bmu.rating.taxservice import OutsideTaxes
from bmuid.store import revisions, tables, terms
from bmuid.store.billruns import Billable
from bmuid.store.invoices import Held, NotBillableError
from bmuid.store.terms import PLAIN_ACCOUNT, PLAIN_SERVICE
from bmuid.store.transaction import Transaction
from bmuid.store.unbilled import ToldTax


class Taxing:
    """
    The taxes of one account in a transaction; each row of the catalogue is read once.

    Shapes:
        tax_service: is asked for the taxes of recurring prices; none: the catalogue says them.
    """

    def __init__(
        self, txn: Transaction, account: Billable, tax_service: TaxService | None = None
    ) -> None:
        self._tax_service = tax_service
        self._txn = txn
        self._account = account
        self._rows: dict[int, TaxRow] = {}
        self._rules: dict[int, TaxRules] = {}
        self._newest = revisions.newest(txn)
        found = terms.of_accounts(txn, self._newest, [account.id])
        self._terms = found.get(account.id, PLAIN_ACCOUNT)

    def row(self, tax_id: int) -> TaxRow:
        """Give the version of a tax that has this id."""
        found = self._rows.get(tax_id)
        if found is None:
            found = self._rows[tax_id] = tables.by_id(self._txn, TaxRow, tax_id)
        return found

    def told(self, taxes: Iterable[ToldTax]) -> TaxRates:
        """Give the taxes that a charge tells."""
        return tuple(self._rate(*each) for each in taxes)

    def of_package(self, held: Held, amount_e11: int, period: Period) -> tuple[int, TaxRates]:
        """
        Give a recurring price before tax, and its taxes on the last day of the period.

        The account's category, state and exemptions are those of now: a certificate often comes later than its days.

        Errors:
            NotBillableError: a tax has no rate on that day, or the tax service no answer.
        """
        due = self._due(held, period)
        told = due.service is not None
        taxes = tuple(
            self._rate(levy.tax_id, levy.certificate, levy.rate_ppm if told else None)
            for levy in due.levies
        )
        return taxes_on(amount_e11, due).net_e11, taxes

    def on_package(self, held: Held, amount_e11: int, period: Period) -> Taxes:
        """Give the exact taxes of a recurring price, as `of_package` names them."""
        return taxes_on(amount_e11, self._due(held, period))

    def _due(self, held: Held, period: Period) -> Levies:
        account, said = self._account, self._terms
        place = TaxPlace(account.country, said.state)
        request = TaxRequest(
            account.currency,
            to_us(period.to) - 1,
            account.time_zone,
            TaxTraits(place, TaxPlace(), said.category, held.tax_category),
            held.tax,
            said.exemptions,
        )
        due = self._levies(request, held)
        if isinstance(due, Untaxed) and due.by_service:
            raise NotBillableError(
                f"the package {held.package}: {due.tried}: mend that, and order another run"
            )
        if isinstance(due, Untaxed):
            raise NotBillableError(
                f"the package {held.package}: {due.tried} (the last before {period.to.isoformat()}):"
                " mend the catalogue and order another run"
            )
        return due

    def _levies(self, request: TaxRequest, held: Held) -> Levies | Untaxed:
        rules = self._rules_at(held.revision)
        if self._tax_service is None:
            return rules.levies(request)
        of_services = terms.of_services(self._txn, self._newest, [self._account.id])
        service = of_services.get(held.account_service_id, PLAIN_SERVICE)
        attributes = terms.attributes_of(self._terms, service)
        asked = request._replace(package=held.package, attributes=attributes)
        return OutsideTaxes(self._tax_service, rules).levies(asked)

    def _rate(self, tax_id: int, certificate: str | None, told_ppm: int | None = None) -> TaxRate:
        row = self.row(tax_id)
        rate_ppm = row.rate_ppm if told_ppm is None else told_ppm
        return TaxRate(row.code, row.name, rate_ppm, row.compound, certificate)

    def _rules_at(self, revision: int) -> TaxRules:
        found = self._rules.get(revision)
        if found is None:
            taxes = tables.as_then(self._txn, TaxRow, revision)
            rows: dict[str, tuple[TaxRow, ...]] = {}
            for row in taxes:
                rows[row.code] = (*rows.get(row.code, ()), row)
            self._rows |= {row.id: row for row in taxes}
            codes = tables.as_then(self._txn, TaxCodeRow, revision)
            found = self._rules[revision] = TaxRules(codes, rows)
        return found
