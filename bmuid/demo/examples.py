"""The demo company: its documents and its call records, as they lie in examples/."""

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path

from bmuid.demo.places import DemoError

BESIDE = Path(__file__).parents[2] / "examples"
DOCUMENTS = {
    "catalogue_load": "demo/catalogue.toml",
    "sources_load": "demo/sources.toml",
    "accounts_load": "demo/accounts.toml",
}
# The ends of the months of which there are calls.
BILLED = ("2026-09-01", "2026-10-01", "2026-11-01")


@dataclass(frozen=True, slots=True)
class Login:
    """A customer's login; its password is no secret."""

    customer: str
    name: str
    password: str


@dataclass(frozen=True, slots=True)
class UsageFile:
    """A file of call records, and the source that sends it."""

    path: Path
    source: str
    lines: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Examples:
    """
    What the demo is made of.

    Shapes:
        documents: operation -> the text of the document that it loads, in the order they must come.
    """

    company: str
    documents: dict[str, str]
    files: tuple[UsageFile, ...]
    logins: tuple[Login, ...]

    @property
    def lines(self) -> int:
        """The records of all files together."""
        return sum(one.lines for one in self.files)


def read(folder: Path | None) -> Examples:
    """
    Read the examples in *folder*; None: those beside this program, in a checkout.

    Errors:
        DemoError: they are not there.
    """
    room = folder or BESIDE
    try:
        documents = {
            operation: (room / name).read_text(encoding="utf-8")
            for operation, name in DOCUMENTS.items()
        }
        listed = tomllib.loads((room / "usage" / "expected.toml").read_text(encoding="utf-8"))
        files = tuple(
            _usage_file(room / "usage" / one["path"], one["source"]) for one in listed["file"]
        )
    except (OSError, tomllib.TOMLDecodeError, KeyError) as error:
        raise DemoError(
            f"no examples in {room} ({error}): name the examples/ of a checkout with --examples"
        ) from error
    accounts = tomllib.loads(documents["accounts_load"])
    return Examples(
        company=tomllib.loads(documents["catalogue_load"])["company"]["name"],
        documents=documents,
        files=files,
        logins=tuple(
            Login(account["name"], login["login"], login["password"])
            for account in accounts["account"]
            for login in account.get("login", ())
        ),
    )


def _usage_file(path: Path, source: str) -> UsageFile:
    octets = path.read_bytes()
    return UsageFile(path, source, len(octets.splitlines()), hashlib.sha256(octets).hexdigest())
