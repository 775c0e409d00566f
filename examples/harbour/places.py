"""Where calls go: number ranges that regulators keep free for examples and drama.

Source: examples/README.md names the regulator of each range.
"""

from harbour.calls import Place

LONDON = ("442079460", 3)
UK_LANDLINE = Place(
    "UK-GEO",
    (
        LONDON,
        LONDON,
        LONDON,
        ("441632960", 3),
        ("441134960", 3),  # Leeds
        ("441144960", 3),  # Sheffield
        ("441154960", 3),  # Nottingham
        ("441164960", 3),  # Leicester
        ("441174960", 3),  # Bristol
        ("441174960", 3),
        ("441184960", 3),  # Reading
        ("441214960", 3),  # Birmingham
        ("441314960", 3),  # Edinburgh
        ("441414960", 3),  # Glasgow
        ("441514960", 3),  # Liverpool
        ("441614960", 3),  # Manchester
        ("441914980", 3),  # Tyneside
        ("442920180", 3),  # Cardiff
    ),
)
UK_MOBILE = Place("UK-MOB", (("447700900", 3),))
UK_WIDE = Place("UK-WIDE", (("443069990", 3),))
UK_FREEPHONE = Place("UK-FREE", (("448081570", 3),))
UK_PREMIUM = Place("UK-PREM", (("449098790", 3),))

US = Place("US", tuple((f"1{area}55501", 2) for area in (212, 206, 312, 415, 617)))
CANADA = Place("CA", tuple((f"1{area}55501", 2) for area in (416, 514, 604)))
FRANCE = Place("FR", (("3319900", 4), ("3326191", 4), ("3346571", 4)))
FRANCE_MOBILE = Place("FR-MOB", (("3363998", 4),))
GERMANY = Place(
    "DE",
    (("493023125", 3), ("496990009", 3), ("494066969", 3), ("492214710", 3), ("498999998", 3)),
)
GERMANY_MOBILE = Place("DE-MOB", (("4917139200", 2), ("49176040690", 2)))
IRELAND = Place("IE", (("3532091", 5),))
SWEDEN = Place("SE", (("463139006", 2), ("464062804", 2), ("468465004", 2)))
SWEDEN_MOBILE = Place("SE-MOB", tuple((f"467017406{tens}", 1) for tens in range(1, 10)))
AUSTRALIA = Place("AU", (("6125550", 4), ("6135550", 4), ("6175550", 4), ("6185550", 4)))
AUSTRALIA_MOBILE = Place(
    "AU-MOB", tuple((f"61491570{last}", 0) for last in (110, 156, 157, 158, 159))
)

# +881 5 is assigned to no satellite network, so these reach nobody either.
NO_RATE = Place("SATELLITE", (("8815000000", 2),))

FOREIGN = (
    US,
    US,
    US,
    FRANCE,
    FRANCE,
    FRANCE_MOBILE,
    GERMANY,
    GERMANY,
    GERMANY_MOBILE,
    IRELAND,
    IRELAND,
    CANADA,
    SWEDEN,
    SWEDEN_MOBILE,
    AUSTRALIA,
    AUSTRALIA_MOBILE,
)

# Place and weight; None is one of FOREIGN.
GROUPS: dict[str, tuple[tuple[Place | None, int], ...]] = {
    "business": (
        (UK_LANDLINE, 470),
        (UK_MOBILE, 300),
        (UK_WIDE, 70),
        (UK_FREEPHONE, 30),
        (UK_PREMIUM, 3),
        (None, 127),
    ),
    "home": (
        (UK_LANDLINE, 430),
        (UK_MOBILE, 390),
        (UK_WIDE, 60),
        (UK_FREEPHONE, 45),
        (UK_PREMIUM, 7),
        (None, 68),
    ),
    "lively": (
        (UK_LANDLINE, 400),
        (UK_MOBILE, 280),
        (UK_WIDE, 60),
        (UK_FREEPHONE, 25),
        (UK_PREMIUM, 5),
        (None, 230),
    ),
}
