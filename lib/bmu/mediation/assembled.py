"""Usage made of sessions, as lines that their profile reads like any other rows."""

import json
from dataclasses import replace

from bmu.mediation.headed import PART
from bmu.mediation.layout import JSONLine
from bmu.mediation.profile import Profile
from bmu.mediation.session import Emission

# What such a row has beside the fields of the records: which usage it is, of when, and why it was made.
SESSION_FIELDS = (
    "session.id",
    "session.number",
    "session.why",
    "session.from",
    "session.until",
    "session.records",
    "session.missing",
)
IDENTITY = ("session.id", "session.number")
SECOND_US = 1_000_000
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def assembled(profile: Profile) -> Profile:
    """Give the profile that reads usage made of sessions: what it says of lines and files is done by then."""
    return replace(
        profile,
        encoding="utf-8",
        layout=JSONLine(),
        fields=(*profile.fields, *((PART,) if profile.splitting else ()), *SESSION_FIELDS),
        identities=(IDENTITY,),
        types=tuple(replace(each, identities=None) for each in profile.types),
        decoding=None,
        header=None,
        trailer=None,
        splitting=(),
        aggregation=None,
    )


def assembled_line(session_id: int, emission: Emission) -> bytes | None:
    """Write usage of a session as a line without its end; None: there is none."""
    if emission.fields is None:
        return None
    row = {name: text for name, text in emission.fields.items() if text}
    row["session.id"] = str(session_id)
    row["session.number"] = str(emission.number)
    row["session.why"] = emission.why.value
    row["session.records"] = str(emission.rows)
    if emission.missing:
        row["session.missing"] = emission.missing
    for name, us in (("session.from", emission.from_us), ("session.until", emission.until_us)):
        if us is not None:
            row[name] = _seconds(us)
    return _encode(row).encode(errors="surrogatepass")


def _seconds(us: int) -> str:
    """Write an instant in seconds since 1970-01-01 UTC, with decimals where it has them."""
    whole, rest = divmod(us, SECOND_US)
    return f"{whole}.{rest:06}".rstrip("0") if rest else str(whole)
