"""Which numbers of records there were, as ranges, and which are missing between them."""

GAPS_MAX = 1000

# First and last of each range, in order, no two of them next to each other.
Seen = tuple[tuple[int, int], ...]


def with_number(seen: Seen, number: int) -> Seen:
    """Add a number to ranges."""
    if seen and seen[-1][0] <= number - 1 == seen[-1][1]:
        return (*seen[:-1], (seen[-1][0], number))
    found: list[tuple[int, int]] = []
    for first, last in sorted((*seen, (number, number))):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    if len(found) > GAPS_MAX:
        # Of so many that are missing, the oldest are told of no more.
        found[:2] = [(found[0][0], found[1][1])]
    return tuple(found)


def gaps(seen: Seen, wanted: int) -> Seen:
    """Give the numbers from the first one *wanted* on, and below the highest, that there were not, as ranges."""
    found = []
    for first, last in seen:
        if first > wanted:
            found.append((wanted, first - 1))
        wanted = max(wanted, last + 1)
    return tuple(found)
