"""What an administrator meets in bmuid.conf: every fault at once, every key described."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from bmuid.config import Config, ConfigError, load

SHIPPED = Path(__file__).parents[2] / "etc" / "bmuid.conf"


def write(folder: Path, text: str) -> Path:
    """A configuration file whose directories and files all exist."""
    for name in ("spool", "run"):
        (folder / name).mkdir(exist_ok=True)
    for name in ("cert", "key", "ca", "crl", "pepper", "csrf", "sources"):
        (folder / name).write_bytes(b"x" * 32)
        (folder / name).chmod(0o600)
    path = folder / "bmuid.conf"
    path.write_text(text)
    return path


GOOD = """
[public]
port = 0
certificate = "cert"
key = "key"
client_ca = "ca"
client_crl = "crl"
[admin]
socket = "run/admin.sock"
[spool]
directory = "spool"
days_back_max = 500
[secrets]
pepper_file = "pepper"
csrf_key_file = "csrf"
source_key_file = "sources"
"""


def faults(path: Path) -> tuple[str, ...]:
    """What is wrong with the file."""
    with pytest.raises(ConfigError) as caught:
        load(path)
    return caught.value.faults


def test_a_short_file_is_enough(tmp_path: Path) -> None:
    """Only what differs from the defaults needs to be written; relative paths start at the file."""
    config = load(write(tmp_path, GOOD))
    assert isinstance(config, Config)
    assert config.public.port == 0
    assert config.public.key == tmp_path / "key"
    assert config.limits.public_connections_max == 64
    assert config.log.file is None
    assert "user=bmuid_public" in config.database.of(config.database.public_user)


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    """One start shows all there is to mend, each with its place."""
    path = write(
        tmp_path, GOOD.replace("port = 0", 'port = "x"\nprot = 1').replace('"crl"', '"gone"')
    )
    (tmp_path / "key").chmod(0o644)
    (tmp_path / "csrf").write_bytes(b"short")
    with path.open("a") as file:
        file.write(
            '[log]\nformat = "xml"\n[limits]\nidle_seconds_max = 0\n[database]\ndsn = "password=x"\n'
            'engine_user = "x y"\n[process]\nrating_workers = true\n[webs]\n'
        )
    found = faults(path)
    assert [line.split(": ")[0] for line in found] == [
        "webs", "database.dsn", "database.engine_user", "public.port", "public.key", "public.client_crl",
        "process.rating_workers", "log.format", "limits.idle_seconds_max", "secrets.csrf_key_file", "public.prot",
    ]  # fmt: skip
    assert all("\n" not in line for line in found)


def test_the_staff_is_named_by_user_and_group(tmp_path: Path) -> None:
    """Users and groups are looked up at start, so that a slip shows there and not at a locked door."""
    path = write(
        tmp_path, GOOD.replace("[spool]", 'admins = ["root", "12"]\nclerks = ["@34"]\n[spool]')
    )
    config = load(path)
    assert config.admin.admins.uids == {0, 12}
    assert config.admin.clerks.gids == {34}
    path = write(
        tmp_path,
        GOOD.replace("[spool]", 'admins = ["nobody-of-that-name"]\ngroup = "none-such"\n[spool]'),
    )
    assert len(faults(path)) == 2


@pytest.mark.parametrize("text", ["[public", "public = 3", "\x00", "[public]\nport = 0\nport = 1"])
def test_a_broken_file_is_one_line(tmp_path: Path, text: str) -> None:
    """A file that is no TOML is named, with the line in it."""
    found = faults(write(tmp_path, text))
    assert all("\n" not in line for line in found)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    """A path mistyped is told as such."""
    assert faults(tmp_path / "none.conf") == (f"{tmp_path}/none.conf: No such file or directory",)


def shipped() -> dict[str, dict[str, object]]:
    """The shipped file with every key written out."""
    text = re.sub(r"^# ([a-z_]+ = )", r"\1", SHIPPED.read_text(), flags=re.MULTILINE)
    return tomllib.loads(text)


def test_the_shipped_file_tells_the_true_defaults(tmp_path: Path) -> None:
    """What etc/bmuid.conf says of a default is what the program does without the key."""
    good = GOOD.replace("port = 0\n", "")
    merged = shipped()
    for section, table in tomllib.loads(good).items():
        merged[section] |= table
    tables = [
        f"[{section}]\n"
        + "".join(f"{key} = {json.dumps(value)}\n" for key, value in table.items())
        for section, table in merged.items()
    ]
    said = load(write(tmp_path, "".join(tables)))
    assert said == load(write(tmp_path, good))
    silent = tmp_path / "silent.conf"
    silent.write_text("")
    (tmp_path / "said.conf").write_text(
        re.sub(r"^# ([a-z_]+ = )", r"\1", SHIPPED.read_text(), flags=re.MULTILINE)
    )
    assert faults(tmp_path / "said.conf") == faults(silent)


def test_the_shipped_file_shows_every_key(tmp_path: Path) -> None:
    """No key can be set that etc/bmuid.conf does not describe."""
    known = {}
    for section in shipped():
        path = write(tmp_path, f"[{section}]\nx = 1\n")
        known[section] = next(
            set(line.partition("known are ")[2].split(", "))
            for line in faults(path)
            if ".x: " in line
        )
    assert known == {section: set(table) for section, table in shipped().items()}


def test_the_manual_shows_every_key_with_its_default() -> None:
    """docs/configuration.md and etc/bmuid.conf say the same."""
    page = (SHIPPED.parents[1] / "docs" / "configuration.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)\.(\w+)` \| `(.*?)` \|", page, re.MULTILINE)
    told = {(section, key): json.loads(default) for section, key, default in rows}
    assert told == {
        (section, key): value
        for section, table in shipped().items()
        for key, value in table.items()
    }


def optional(section: str) -> str:
    """Give what the shipped file shows of a section that is left out by default."""
    lines = re.findall("^## (.*)", SHIPPED.read_text(encoding="utf-8"), re.MULTILINE)
    text = "".join(f"{line}\n" for line in lines)
    blocks = re.split(r"^(?=\[)", text, flags=re.MULTILINE)
    return "".join(block for block in blocks if re.match(rf"\[{section}[\].]", block))


def test_the_sftp_door_is_shown_with_every_key_and_its_default(tmp_path: Path) -> None:
    """What the shipped file and the manual say of the section is what the program does without its keys."""
    page = (SHIPPED.parents[1] / "docs" / "configuration.md").read_text(encoding="utf-8")
    shown = tomllib.loads(optional("sftp"))["sftp"]
    found = next(f for f in faults(write(tmp_path, "[sftp]\nx = 1\n")) if ".x: " in f)
    for key, default in shown.items():
        assert f"| `{key}` | `{json.dumps(default)}` |" in page
    assert set(found.partition("known are ")[2].split(", ")) == set(shown)
    del shown["host_key"]
    given = "".join(f"{key} = {json.dumps(value)}\n" for key, value in shown.items())
    silent = load(write(tmp_path, f"{GOOD}[sftp]\nhost_key = 'new'\n"))

    assert silent.receives
    assert load(write(tmp_path, f"{GOOD}[sftp]\nhost_key = 'new'\n{given}")) == silent


def test_a_partner_is_shown_with_every_key_and_its_default(tmp_path: Path) -> None:
    """What the shipped file and the manual say of fetching is what the program does without its keys."""
    page = (SHIPPED.parents[1] / "docs" / "configuration.md").read_text(encoding="utf-8")
    shown = tomllib.loads(optional("pull"))["pull"]["partner"]
    needed = {
        "source": "partner",
        "url": shown["url"],
        "host_key_file": "host.pub",
        "key_file": "key",
    }
    found = next(
        f for f in faults(write(tmp_path, "[pull.x]\nurl = 'https://h/'\ny = 1\n")) if ".y: " in f
    )
    others = {"host_key_file", "ca_file", "certificate_file", "token_file"}
    for key, default in shown.items():
        assert key in needed or f"| `{key}` | `{json.dumps(default)}` |" in page
    assert set(found.partition("known are ")[2].split(", ")) | others == set(shown) | others
    assert all(f"| `{key}` |" in page for key in shown.keys() | others)

    def partner(keys: dict[str, object]) -> Config:
        given = "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items())
        path = write(tmp_path, f"{GOOD}[pull.partner]\n{given}")
        (tmp_path / "host.pub").write_text("files.example ssh-ed25519 AAAA\n")
        return load(path)

    assert partner(shown | needed) == partner(needed)
    assert partner(needed).receives


def test_all_faults_of_a_partner_are_told_at_once(tmp_path: Path) -> None:
    """Each with its place, and what there should be."""
    path = write(
        tmp_path,
        f"{GOOD}[pull.A]\nurl = 'ftp://x'\n[pull.b]\nsource = 'b'\nurl = 'https://u:p@h/'\nafter = 'rename'\n"
        "[pull.c]\nsource = 'c'\nurl = 'sftp://h/'\nhost_key_file = 'key'\nkey_file = 'none'\ncolour = 1\n",
    )

    assert sorted(line.split(": ")[0] for line in faults(path)) == sorted([
        "pull.A.name", "pull.A.url", "pull.A.source", "pull.A.host_key_file", "pull.A.key_file", "pull.A.url",
        "pull.b.after", "pull.b.url", "pull.c.url", "pull.c.host_key_file", "pull.c.key_file", "pull.c.colour",
    ])  # fmt: skip


def test_a_host_key_that_others_read_is_a_fault(tmp_path: Path) -> None:
    """Whoever has it could be this host."""
    path = write(tmp_path, f"{GOOD}[sftp]\nhost_key = 'host_key'\n")
    (tmp_path / "host_key").write_bytes(b"x")
    (tmp_path / "host_key").chmod(0o644)

    assert [line.split(": ")[0] for line in faults(path)] == ["sftp.host_key"]


@pytest.mark.parametrize(
    ("section", "many"), [("usage", "sources"), ("radius", "clients"), ("batch", "")]
)
def test_an_optional_section_is_shown_with_every_key_and_its_default(
    tmp_path: Path, section: str, many: str
) -> None:
    """What the shipped file and the manual say of an optional section is what the program does without its keys."""
    page = (SHIPPED.parents[1] / "docs" / "configuration.md").read_text(encoding="utf-8")
    shown = tomllib.loads(optional(section))[section]
    [(name, each)] = shown.pop(many, {"": {}}).items()

    for place, table in ((section, shown), (f"{section}.{many}.{name}", each))[: 2 if many else 1]:
        found = next(f for f in faults(write(tmp_path, f"[{place}]\nx = 1\n")) if ".x: " in f)
        known = set(found.partition("known are ")[2].split(", ")) - {many}
        # A batch's client needs no certificate.
        assert known - ({"client_ca", "client_crl"} if section == "batch" else set()) == set(table)
        assert all(f"| `{key}` |" in page for key in table)
    for key, default in shown.items():
        assert f"| `{key}` | `{json.dumps(default)}` |" in page
    given = "".join(
        f"{key} = {json.dumps(each[key])}\n" for key in ("network", "source") if key in each
    )
    place = f"{section}.{many}.{name}" if many else section
    silent = set(faults(write(tmp_path, f"[{place}]\n{given}")))
    assert set(faults(write(tmp_path, optional(section)))) == silent


def test_originals_are_kept_for_a_quarter_at_least_or_for_ever(tmp_path: Path) -> None:
    """What customers may still ask about isn't dropped by a slip; 0 drops nothing."""

    def with_days(days: int) -> Path:
        return write(tmp_path, GOOD.replace("days_back_max = 500", f"keep_days = {days}"))

    assert faults(with_days(89)) == ("spool.keep_days: must be 0 (for ever), or at least 90",)
    assert load(with_days(0)).spool.keep_days == 0
    assert load(with_days(90)).spool.keep_days == 90
