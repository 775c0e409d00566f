"""
Answers of the daemon as the values that the templates place; words, not decisions.

Sums of usage are told with all the places they have: rounded each for itself, the parts would not make the total
that stands beside them. Invoices are rounded already, where their amounts are made.
"""

from __future__ import annotations

from bmu.money import decimal_text, parse_e11
from bmu.ui import chart, show
from bmu.ui.answer import Part
from bmu.ui.query import query

Values = dict[str, object]

# What an allowance of a period is beside others of its name.
PART_WORDS = {"CARRIED": ", carried over", "JOINED": ", brought by who joined later"}


def _sum(*amounts: str) -> str:
    return decimal_text(sum(parse_e11(amount) for amount in amounts))


def _range_query(start: str, end: str) -> str:
    return query(from_=start, to=show.day_before(end))


def _plural(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def overview(answer: Part) -> Values:
    """Say where the account stands in one billing month."""
    account, period, used = (answer.part(n) for n in ("account", "period", "used"))
    currency = account.text("currency")
    start, end = period.text("from"), period.text("to")
    net, tax, total = (show.amount(used.text(n), currency) for n in ("amount", "tax", "total"))
    earlier, later = _neighbours(start, [one.text("from") for one in answer.parts("periods")])
    return {
        "title": "Overview",
        "period": show.span(start, end),
        "total": total,
        "total_text": f"{_plural(used.whole('events'), 'item', 'items')}: {net} and {tax} tax",
        "open_text": _open_text(used, answer.part("unbilled"), currency),
        "usage_query": _range_query(start, end),
        "earlier": earlier and f"overview?{query(day=earlier)}",
        "later": later and f"overview?{query(day=later)}",
        "allowances": [_allowance(one, currency) for one in answer.parts("buckets")],
        "by_period": [_by_period(one, currency) for one in answer.parts("by_period")],
        "chart": _chart(answer.parts("days"), currency, start, end),
        "no_chart": "All of it was included." if used.whole("events") else "Nothing was used.",
        "services": [_subscription(one, currency) for one in answer.parts("services")],
        "invoice": _invoice_row(answer.part("last_invoice")) if answer.has("last_invoice") else "",
    }


def _open_text(used: Part, unbilled: Part, currency: str) -> str:
    """Say how much of what was used is on no invoice yet."""
    if unbilled.whole("events") == used.whole("events"):
        return "Not yet on an invoice." if used.whole("events") else ""
    if not unbilled.whole("events"):
        return "All of it is on an invoice."
    return f"{show.amount(unbilled.text('total'), currency)} of it is not yet on an invoice."


def _neighbours(start: str, newest_first: list[str]) -> tuple[str, str]:
    """Give the months before and after the one that begins on *start*, "" where there is none."""
    earlier = [each for each in newest_first if each < start]
    later = [each for each in newest_first if each > start]
    return (max(earlier) if earlier else "", min(later) if later else "")


def _by_period(one: Part, currency: str) -> Values:
    """Say what usage that is priced by the period comes to so far."""
    return {
        "name": one.text("name"),
        "total": show.rounded(one.text("total"), currency),
        "reasons": [reason.text("text") for reason in one.parts("reasons")],
    }


def _allowance(bucket: Part, currency: str) -> Values:
    unit, granted, left = bucket.text("unit"), bucket.whole("granted"), bucket.whole("balance")

    def shown(quantity: int) -> str:
        if bucket.text("kind") == "MONEY":
            return show.rounded(decimal_text(quantity), currency)
        return show.allowance(unit, quantity)

    percent = left * 100 // granted if granted else 0
    return {
        "name": bucket.text("name") + PART_WORDS.get(bucket.text("part"), ""),
        "left": shown(left),
        "used": shown(granted - left),
        "granted": shown(granted),
        "until": show.day(show.day_before(bucket.text("to")[:10])),
        "percent": percent,
        "level": "fill low" if percent < 20 else "fill",
    }


def _subscription(service: Part, currency: str) -> Values:
    return {
        "name": service.text("name"),
        "price": show.amount(service.text("price"), currency),
        "uids": [show.number(u.text("type"), u.text("value")) for u in service.parts("uids")],
    }


def _chart(days: list[Part], currency: str, start: str, end: str) -> Values | str:
    """Draw each day of the period; days without usage need not be given. Nothing to draw: ""."""
    known = {one.text("day"): one for one in days if one.whole("events")}
    calendar = show.days(start, end)
    amounts = [known[at].text("amount") if at in known else "0" for at in calendar]
    costs = [parse_e11(amount) for amount in amounts]
    if not any(cost > 0 for cost in costs):
        return ""
    top = chart.top_of(costs)
    most = max(costs)
    drawn = []
    for at, amount, bar in zip(calendar, amounts, chart.bars(costs, top), strict=True):
        money = show.amount(amount, currency)
        drawn.append(
            {
                "left": bar.x - (chart.SLOT - chart.BAR) // 2,
                "x": bar.x,
                "y": bar.y,
                "height": bar.height,
                "text": f"{show.day(at)}: {money}",
                "day": show.day(at),
                "amount": money,
                "events": f"{known[at].whole('events'):,}" if at in known else "",
            }
        )
    dearest = show.day(calendar[costs.index(most)])
    return {
        "bars": drawn,
        "bar": chart.BAR,
        "slot": chart.SLOT,
        "width": chart.SLOT * len(calendar),
        "height": chart.HEIGHT,
        "half": chart.HEIGHT // 2,
        "top": show.amount(decimal_text(top), currency),
        "middle": show.amount(decimal_text(top // 2), currency),
        "first": show.short_day(calendar[0]),
        "centre": show.short_day(calendar[len(calendar) // 2]),
        "last": show.short_day(calendar[-1]),
        "text": f"Cost per day before tax; the most, {show.amount(decimal_text(most), currency)},"
        f" on {dearest}",
    }


def usage(answer: Part, fields: dict[str, str]) -> Values:
    """List what was used, day by day."""
    account, total = answer.part("account"), answer.part("total")
    currency = account.text("currency")
    start, end = answer.text("from"), answer.text("to")
    net, tax = total.text("amount"), total.text("tax")
    range_query = _range_query(start, end)
    cursor = answer.text("cursor") if answer.has("cursor") else ""
    return {
        "title": "Usage",
        "period": show.span(start, end),
        "first": start,
        "last": show.day_before(end),
        "zone": account.text("time_zone").replace("_", " "),
        "events": f"{total.whole('events'):,}",
        "net": show.amount(net, currency),
        "tax": show.amount(tax, currency),
        "total": show.amount(total.text("total"), currency),
        "days": _by_day(answer.parts("items"), currency),
        "at_start": "" if "cursor" in fields else "yes",
        "start_query": range_query,
        "next_query": f"{range_query}&{query(cursor=cursor)}" if cursor else "",
        "earlier": "usage?" + _range_query(*show.moved(start, end, -1)),
        "later": "usage?" + _range_query(*show.moved(start, end, 1)),
    }


def _by_day(items: list[Part], currency: str) -> list[Values]:
    groups: list[Values] = []
    rows: list[Values] = []
    last = ""
    for item in items:
        local = item.text("started_local")
        if local[:10] != last:
            last, rows = local[:10], []
            groups.append({"day": show.weekday_and_day(last), "rows": rows})
        unit, used, billable = item.text("unit"), item.whole("rounded"), item.whole("billable")
        rows.append(
            {
                "time": show.local_time(local),
                "uid": show.digits(item.text("uid")),
                "destination": show.digits(item.text("destination")),
                "place": _optional(item, "location"),
                "used": show.quantity(unit, item.whole("quantity")),
                "included": show.quantity(unit, used - billable) if used > billable else "",
                "amount": show.amount(item.text("amount"), currency),
                "query": query(id=item.text("id")),
            }
        )
    return groups


def _optional(part: Part, name: str) -> str:
    return part.text(name) if part.has(name) else ""


def charge(answer: Part) -> Values:
    """Say in words why a charge is what it is."""
    item, currency = answer.part("charge"), answer.part("account").text("currency")
    unit, local = item.text("unit"), item.text("started_local")
    destination = show.digits(item.text("destination"))
    used, billable = item.whole("rounded"), item.whole("billable")
    cost, tax = item.text("amount"), item.text("tax")
    when = f"{show.day(local[:10])}, {show.local_time(local)}"
    facts = [
        ("What", item.text("class")),
        ("When", when),
        ("From", show.digits(item.text("uid"))),
        ("To", destination),
        ("Where to", _optional(item, "location")),
        ("Used", show.quantity(unit, item.whole("quantity"))),
        ("Counted", show.quantity(unit, used)),
        ("Included", show.quantity(unit, used - billable)),
        ("Charged", show.quantity(unit, billable)),
        ("Cost before tax", show.amount(cost, currency)),
        ("Tax", show.amount(tax, currency)),
        ("Cost with tax", show.amount(_sum(cost, tax), currency)),
    ]
    return {
        "title": "Why this cost",
        "amount": show.amount(cost, currency),
        "heading": f"{item.text('class')} to {destination}, {when}",
        "facts": [{"name": name, "text": text} for name, text in facts if text],
        "steps": [
            {"title": s.text("title"), "text": s.text("text")} for s in answer.parts("steps")
        ],
        "evidence": [
            {"name": name.replace("_", " "), "text": text}
            for name, text in answer.part("evidence").flat()
        ],
        "back_query": query(from_=local[:10], to=local[:10]),
    }


def invoices(answer: Part) -> Values:
    """List the invoices."""
    return {
        "title": "Invoices",
        "invoices": [_invoice_row(one) for one in answer.parts("invoices")],
    }


def _invoice_row(one: Part) -> Values:
    return {
        "number": one.text("number"),
        "span": show.span(one.text("from"), one.text("to")),
        "issued": show.day(one.text("issued_on")),
        "due": show.day(one.text("due_on")),
        "total": show.amount(one.text("total"), one.text("currency")),
        "query": query(number=one.text("number")),
    }


def invoice(answer: Part) -> Values:
    """Set an invoice out as on paper."""
    one, company = answer.part("invoice"), answer.part("company")
    currency = one.text("currency")
    lines = one.parts("lines")
    credit = one.text("kind") == "CREDIT_NOTE"
    return {
        "title": f"{'Credit note' if credit else 'Invoice'} {one.text('number')}",
        "kind": "Credit note" if credit else "Invoice",
        "number": one.text("number"),
        "company_name": company.text("name"),
        "country": company.text("country"),
        "customer": one.text("customer_name"),
        "account_number": answer.part("account").text("number"),
        "period": show.span(one.text("from"), one.text("to")),
        "issued": show.day(one.text("issued_on")),
        "due": show.day(one.text("due_on")),
        "lines": [_invoice_line(line, currency) for line in lines if line.text("kind") != "TAX"],
        "taxes": [
            {
                "description": line.text("description"),
                "amount": show.amount(line.text("amount"), currency),
            }
            for line in lines
            if line.text("kind") == "TAX"
        ],
        "net": show.amount(one.text("net"), currency),
        "total": show.amount(one.text("total"), currency),
        "total_text": "Total of the credit" if credit else "Total to pay",
        "usage_query": _range_query(one.text("from"), one.text("to")),
    }


def _invoice_line(line: Part, currency: str) -> Values:
    details = []
    if line.has("events") and line.whole("events"):
        details.append(_plural(line.whole("events"), "item", "items"))
    if line.has("quantity") and line.has("unit"):
        details.append(show.quantity(line.text("unit"), line.whole("quantity")))
        if line.has("included") and line.whole("included"):
            included = show.quantity(line.text("unit"), line.whole("included"))
            details.append(f"of which {included} included")
    return {
        "description": line.text("description"),
        "detail": ", ".join(details),
        "amount": show.amount(line.text("amount"), currency),
    }
