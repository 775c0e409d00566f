"""The admin socket and bmadmin, as the staff meets them."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from conftest import Database
from daemons import SECONDS_MAX, AdminClient, Running, Site, make_site, running

from bmuid.cli.bmadmin import main
from bmuid.cli.words import example, verbs
from bmuid.operations.registry import Door, forms
from bmuid.operations.table import OPERATIONS

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "examples" / "demo"
BMADMIN = Path(sys.executable).parent / "bmadmin"
ME = str(os.getuid())
SOURCE = ("pbx-1", "An exchange", "asterisk-master-csv", "UTC", "44", "0", "00")

SOURCE_ADD = next(row for row in OPERATIONS if row.name == "source_add")
GO_AWAY = "PERFORM pg_terminate_backend(pg_backend_pid())"
LOSE_RACE = "RAISE EXCEPTION 'lost' USING ERRCODE = '40001'"

NO_REQUESTS = (
    b"hello\n",
    b"{}\n",
    b"[]\n",
    b"[" * 100_000 + b"\n",
    b'{"id": "00000000000000aa", "operation": "source_list"}\n',
    b'{"id": "00000000000000aa", "operation": "source_list", "arguments": []}\n',
    b'{"id": "00000000000000aa", "operation": "source_list", "arguments": {"a": 1}}\n',
    b'{"id": "00000000000000aa", "operation": "source_list", "arguments": {}, "x": 1}\n',
    b'{"id": "00000000000000aa", "id": "00000000000000ab", "operation": "a", "arguments": {}}\n',
    b'{"id": "x", "operation": "source_list", "arguments": {}}\n',
    b'{"id": "00000000000000aa", "operation": "\\u0000", "arguments": {}}\n',
    b"\xff\xfe\n",
)


@pytest.fixture
def site(database: Database, short_path: Path) -> Site:
    """An installation whose administrator is who runs the tests."""
    return make_site(short_path, f"host={database.cluster.socket} dbname={database.name}")


@pytest.fixture
def door(site: Site) -> Iterator[Running]:
    """A daemon that has only its doors."""
    with running(site, "--only", "doors") as daemon:
        yield daemon


def bmadmin(site: Site, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Type a command."""
    return subprocess.run(
        [str(BMADMIN), "--socket", str(site.admin_socket), *words],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
    )


def sources(door: Running) -> list[object]:
    """Give the sources there are."""
    done, said = door.ask_admin("source_list")
    assert done
    found = said["sources"]
    assert isinstance(found, list)
    return found


class TestWhoMay:
    """Who may do what is said by the lists of the configuration, and by the kernel who is who."""

    def test_the_socket_is_for_its_group_alone(self, door: Running) -> None:
        """No other user of the host can even connect."""
        mode = door.site.admin_socket.stat().st_mode
        assert stat.S_IMODE(mode) == 0o660

    def test_an_auditor_looks_and_changes_nothing(self, site: Site) -> None:
        """What an auditor may not do is refused, and is on record with the auditor's name."""
        site.write(admin={"admins": [], "auditors": [ME]})
        with running(site, "--only", "doors"):
            assert bmadmin(site, "account", "list").returncode == 0
            refused = bmadmin(site, "account", "add", "A1", "Somebody")
            assert refused.returncode == os.EX_NOPERM
            assert "(NOT_PERMITTED)" in refused.stderr
            audit = json.loads(bmadmin(site, "audit", "list", "--json").stdout)
        assert [(row["operation"], row["outcome"]) for row in audit["entries"]] == [
            ("account_add", "NOT_PERMITTED")
        ]

    def test_a_clerk_works_on_accounts_but_not_on_the_catalogue(self, site: Site) -> None:
        """Roles come from groups as well as from users."""
        site.write(admin={"admins": [], "clerks": [f"@{os.getgid()}"]})
        with running(site, "--only", "doors"):
            assert bmadmin(site, "source", "add", *SOURCE).returncode == 0
            load = bmadmin(site, "catalogue", "load", str(DEMO / "catalogue.toml"))
            assert load.returncode == os.EX_NOPERM

    def test_a_user_in_no_list_may_nothing(self, site: Site) -> None:
        """Reaching the socket is not enough."""
        site.write(admin={"admins": []})
        with running(site, "--only", "doors"):
            for command in verbs(OPERATIONS):
                with AdminClient(site.admin_socket) as client:
                    assert client.ask(command.operation.name)[1]["code"] == "NOT_PERMITTED"

    def test_a_user_taken_off_the_list_is_out_at_once(self, site: Site) -> None:
        """After a reload the next command is refused."""
        with running(site, "--only", "doors") as door:
            assert bmadmin(site, "account", "list").returncode == 0
            site.write(admin={"admins": []})
            door.signal(signal.SIGHUP)
            door.event("configuration, certificates and lists were read anew")
            assert bmadmin(site, "account", "list").returncode == os.EX_NOPERM

    def test_the_mode_of_the_socket_keeps_others_out(self, site: Site) -> None:
        """A user whom the socket's mode keeps out is told so."""
        if os.getuid() != 0:
            pytest.skip("only root can become another user")
        command = (str(BMADMIN), "--socket", str(site.admin_socket), "account")
        with running(site, "--only", "doors"):
            done = subprocess.run(
                ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command],
                capture_output=True,
                text=True,
            )
        assert done.returncode == os.EX_NOPERM
        assert "you may not connect" in done.stderr


class TestLines:
    """What is said on the socket."""

    def test_requests_follow_each_other(self, door: Running) -> None:
        """One connection serves many."""
        with AdminClient(door.site.admin_socket) as client:
            assert [client.ask("source_list")[0] for _ in range(3)] == [True] * 3

    def test_what_is_no_request_is_answered_and_cut(self, door: Running) -> None:
        """A peer that does not speak the protocol learns what a request looks like."""
        for line in NO_REQUESTS:
            with AdminClient(door.site.admin_socket) as client:
                client.send(line)
                assert b"BAD_LINE" in client.ends(), line

    def test_a_document_may_be_large_but_not_without_end(self, door: Running) -> None:
        """A catalogue of some megabytes is taken; a line that never ends is cut off."""
        with AdminClient(door.site.admin_socket) as client:
            done, said = client.ask("catalogue_check", document="# much\n" * 500_000)
            assert (done, said["code"]) == (False, "BAD_DOCUMENT") or done
        with AdminClient(door.site.admin_socket) as client:
            client.connection.setblocking(False)
            sent = 0
            client.connection.settimeout(SECONDS_MAX)
            try:
                while sent < 80_000_000:
                    sent += client.connection.send(b"x" * 65536)
            except OSError:
                pass
            assert sent < 80_000_000 or b"LINE_TOO_LONG" in client.ends()

    def test_a_second_line_before_the_answer_is_never_done(self, door: Running) -> None:
        """Here too, one thing at a time."""
        line = b'{"id":"00000000000000%02x","operation":"account_add","arguments":{"number":"A%d","name":"x"}}\n'
        with AdminClient(door.site.admin_socket) as client:
            client.send(line % (1, 1) + line % (2, 2))
            client.ends()
        done, listed = door.ask_admin("audit_list")
        assert done
        assert "A2" not in str(listed)


class TestLostAnswers:
    """The database, or the way to it, fails at the worst moment: each change is made once, or not at all."""

    @pytest.fixture
    def fails(self, database: Database) -> Callable[[str, int], None]:
        """Give what makes the database fail the next COMMITs of a new source."""

        def fail(how: str, times: int) -> None:
            with closing(database.connect("postgres")) as connection, connection:
                connection.cursor().execute(
                    f"""
                    CREATE SEQUENCE bmu.failures;
                    CREATE FUNCTION bmu.fail() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
                    BEGIN
                        IF nextval('bmu.failures') <= {times} THEN {how}; END IF;
                        RETURN NULL;
                    END $$;
                    CREATE CONSTRAINT TRIGGER fail AFTER INSERT ON bmu.source
                        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION bmu.fail();
                    """
                )

        return fail

    def test_a_key_makes_the_change_once(
        self, door: Running, fails: Callable[[str, int], None]
    ) -> None:
        """bmadmin gives each change a key: when nobody knows how a COMMIT ended, it is looked up or made again."""
        fails(GO_AWAY, 1)
        assert bmadmin(door.site, "source", "add", *SOURCE).returncode == 0
        assert len(sources(door)) == 1

    def test_without_a_key_the_asker_is_told_that_nobody_knows(
        self, door: Running, fails: Callable[[str, int], None]
    ) -> None:
        """A change without a key is not tried again behind the asker's back."""
        fails(GO_AWAY, 1)
        names = [form.name for form in forms(SOURCE_ADD) if form.required]
        done, said = door.ask_admin("source_add", **dict(zip(names, SOURCE, strict=True)))
        assert (done, said["code"]) == (False, "OUTCOME_UNKNOWN")
        assert sources(door) == []

    def test_the_same_key_is_answered_the_same(self, door: Running) -> None:
        """Asked again because the answer was lost on the way, nothing is done twice, and the answer is the first one."""
        words = ("source", "add", *SOURCE, "--key", "of-the-14th-of-May", "--json")
        first, again = bmadmin(door.site, *words), bmadmin(door.site, *words)
        assert (first.returncode, again.stdout) == (0, first.stdout)
        other = bmadmin(
            door.site, "source", "add", "pbx-2", *SOURCE[1:], "--key", "of-the-14th-of-May"
        )
        assert (other.returncode, "(KEY_REUSED)" in other.stderr) == (1, True)
        assert len(sources(door)) == 1

    def test_a_lost_race_is_run_again(
        self, door: Running, fails: Callable[[str, int], None]
    ) -> None:
        """Two who change the same at once both get through; nobody is asked to type it again."""
        fails(LOSE_RACE, 4)
        assert bmadmin(door.site, "source", "add", *SOURCE).returncode == 0
        assert len(sources(door)) == 1

    def test_a_race_lost_for_ever_is_told(
        self, door: Running, fails: Callable[[str, int], None]
    ) -> None:
        """After five tries the asker is told to try later, and nothing was done."""
        fails(LOSE_RACE, 1000)
        done = bmadmin(door.site, "source", "add", *SOURCE)
        assert (done.returncode, "(BUSY)" in done.stderr) == (os.EX_TEMPFAIL, True)
        assert sources(door) == []


class TestCommand:
    """bmadmin."""

    def test_every_operation_of_the_staff_is_a_command_with_help(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Each can be found by --help, tells its arguments, an example and its exit statuses."""

        def told(*words: str) -> str:
            with pytest.raises(SystemExit) as ended:
                main([*words, "--help"])
            assert ended.value.code == 0
            return capsys.readouterr().out

        top = told()
        for command in verbs(OPERATIONS):
            assert command.noun in top
            text = told(command.noun, command.verb)
            assert f"bmadmin {command.noun} {command.verb}" in text
            assert "example:" in text
            assert "exit status:" in text
        assert len(verbs(OPERATIONS)) == sum(Door.ADMIN in row.doors for row in OPERATIONS)

    def test_a_catalogue_goes_in_as_a_directory_and_comes_out_as_a_file(
        self, door: Running
    ) -> None:
        """What `catalogue dump` writes is loaded again with no change; a deck is looked at, then put in force."""
        site = door.site
        parts = ROOT / "examples/offline"
        assert bmadmin(site, "catalogue", "load", str(parts / "catalogue")).returncode == 0
        dumped = bmadmin(site, "catalogue", "dump").stdout
        again = json.loads(bmadmin(site, "catalogue", "load", "-", "--json", stdin=dumped).stdout)
        rows = bmadmin(site, "catalogue", "rows", "tax").stdout
        where = (str(parts / "deck.csv"), "ALWAYS", "voice", "--from", "2026-12-01")
        looked = json.loads(bmadmin(site, "deck", "preview", *where, "--json").stdout)

        assert dumped.startswith('[company]\nname = "Harbour Telecom Ltd"\n')
        assert again["changes"] == []
        assert rows.startswith('[[tax]]\ncode = "VAT"\n')
        assert looked["added"] + looked["changed"] > 0
        assert bmadmin(site, "deck", "load", *where).returncode == 0
        # Not loaded, however it is asked for.
        dry = bmadmin(site, "catalogue", "load", "--dry-run", "-", "--json", stdin=dumped).stdout
        checked = json.loads(
            bmadmin(site, "catalogue", "check", "-", "--json", stdin=dumped).stdout
        )
        assert "rate" in [one["table"] for one in checked["changes"]]
        assert json.loads(dry) == checked

    def test_a_day_at_the_desk(self, door: Running) -> None:
        """The demo company is set up, looked at and changed, with files, standard input and options."""
        site = door.site
        assert bmadmin(site, "catalogue", "load", str(DEMO / "catalogue.toml")).returncode == 0
        accounts = (DEMO / "accounts.toml").read_text(encoding="utf-8")
        assert bmadmin(site, "accounts", "load", "-", stdin=accounts).returncode == 0
        listed = bmadmin(site, "account", "--json")
        assert len(json.loads(listed.stdout)["accounts"]) == 40
        table = [line.split("\t") for line in bmadmin(site, "account").stdout.splitlines()]
        assert ["A1002", "Zoë Marchetti"] in [row[:2] for row in table]
        shown = bmadmin(site, "account", "show", "A1001").stdout.splitlines()
        assert "account.name\tFenwick & Daughters Ltd" in shown
        password = site.directory / "password"
        password.write_text("a lantern over the sea\n")
        added = bmadmin(
            site, "login", "add", "new@fenwick.example", "A1001", "--password-file", str(password)
        )
        assert added.returncode == 0, added.stderr
        opened = door.ask(
            "login_open", login="new@fenwick.example", password="a lantern over the sea"
        )
        assert opened[0], opened
        assert "lantern" not in str(bmadmin(site, "audit", "list", "--json").stdout)
        # An empty list is told, so that nobody takes it for no answer.
        assert bmadmin(site, "suspense").stdout == "groups\tnone\n"

    def test_refusals_have_their_own_status(self, door: Running) -> None:
        """Scripts can tell a refusal from a slip of the command line, a missing file or a daemon that is away."""
        site = door.site
        found = {
            "refused": bmadmin(site, "account", "show", "A9"),
            "as JSON": bmadmin(site, "account", "show", "A9", "--json"),
            "bad value": bmadmin(site, "account", "list", "--limit", "many"),
            "no verb": bmadmin(site, "uid"),
            "no such noun": bmadmin(site, "horse", "ride"),
            "argument missing": bmadmin(site, "account", "show"),
            "no such file": bmadmin(site, "catalogue", "load", "/nowhere/catalogue.toml"),
            "no password": bmadmin(site, "login", "add", "a@b.example", "A1"),
        }
        statuses = {what: done.returncode for what, done in found.items()}
        assert statuses == {
            "refused": 1, "as JSON": 1, "bad value": 2, "no verb": 2, "no such noun": 2, "argument missing": 2,
            "no such file": os.EX_NOINPUT, "no password": 2,
        }  # fmt: skip
        assert json.loads(found["as JSON"].stdout)["code"] == "NOT_FOUND"
        assert found["refused"].stdout == ""
        assert found["refused"].stderr == "bmadmin: there is no account A9 (NOT_FOUND)\n"
        assert "say what: assign, end, short, show;" in found["no verb"].stderr
        door.stop()
        away = bmadmin(site, "account")
        assert (away.returncode, "is bmuid running?" in away.stderr) == (os.EX_UNAVAILABLE, True)

    def test_a_slip_in_an_option_is_answered_with_the_usage_of_the_verb(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Who mistypes an option sees which ones this command takes."""
        with pytest.raises(SystemExit) as ended:
            main(["suspense", "show", "--sorce", "pbx-1"])
        said = capsys.readouterr().err
        assert ended.value.code == 2
        assert said.startswith("usage: bmadmin suspense show ")
        assert "--source" in said
        assert said.endswith("bmadmin suspense show: error: not known here: --sorce pbx-1\n")

    def test_a_reader_that_has_seen_enough_is_no_fault(self, door: Running) -> None:
        """`bmadmin ... | head` ends quietly: the answer came, and the daemon is not away."""
        reader, writer = os.pipe()
        os.close(reader)
        with os.fdopen(writer, "wb") as nobody:
            done = subprocess.run(
                [str(BMADMIN), "--socket", str(door.site.admin_socket), "status", "show"],
                stdout=nobody,
                stderr=subprocess.PIPE,
                text=True,
                timeout=SECONDS_MAX,
            )
        assert (done.returncode, done.stderr) == (0, "")

    def test_a_daemon_that_dies_meanwhile_is_told(self, site: Site) -> None:
        """Without an answer nothing is taken for done."""
        with socket.socket(socket.AF_UNIX) as fake:
            fake.bind(str(site.admin_socket))
            fake.listen()
            process = subprocess.Popen(
                [BMADMIN, "--socket", site.admin_socket, "account"],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            connection, _ = fake.accept()
            connection.recv(65536)
            connection.close()
            out, err = process.communicate(timeout=SECONDS_MAX)
        assert (process.returncode, out) == (os.EX_UNAVAILABLE, b"")
        assert b"the connection ended before the answer" in err

    def test_a_terminal_gets_aligned_columns(self, door: Running) -> None:
        """People see a table; what steers a terminal is shown, not obeyed."""
        assert bmadmin(door.site, "source", "add", *SOURCE).returncode == 0
        leader, follower = os.openpty()
        done = subprocess.run(
            [BMADMIN, "--socket", door.site.admin_socket, "source"],
            stdout=follower,
            timeout=SECONDS_MAX,
        )
        os.close(follower)
        said = os.read(leader, 65536).decode().splitlines()
        os.close(leader)
        assert done.returncode == 0
        head = "code   name         profile              time_zone  country_code  trunk_prefix  international_prefix"
        assert [line[: len(head)].rstrip() for line in said] == [
            head,
            "pbx-1  An exchange  asterisk-master-csv  UTC        44            0             00",
        ]

    @pytest.mark.parametrize(
        ("typed", "offered"),
        [
            (["bmadmin", "acc"], {"account", "accounts"}),
            (["bmadmin", "account", ""], {"add", "exempt", "list", "set", "show"}),
            (["bmadmin", "--socket", "x", "account", "li"], {"list"}),
            (["bmadmin", "usage", "list", "--f"], {"--from"}),
            (["bmadmin", "login", "add", "--pass"], {"--password-file"}),
            (["bmadmin", "completion", ""], {"bash", "zsh"}),
        ],
    )
    def test_the_shell_completes(self, site: Site, typed: list[str], offered: set[str]) -> None:
        """Nouns, verbs and options appear at the press of a key."""
        script = bmadmin(site, "completion", "bash").stdout
        words = " ".join(f"'{word}'" for word in typed)
        code = f'{script}\nCOMP_WORDS=({words}); COMP_CWORD={len(typed) - 1}; _bmadmin; echo "${{COMPREPLY[*]}}"'
        done = subprocess.run(
            ["bash", "-c", code], capture_output=True, text=True, cwd=site.directory
        )
        assert done.stderr == ""
        assert set(done.stdout.split()) == offered
        assert bmadmin(site, "completion", "zsh").stdout.startswith("#compdef bmadmin\n")


def test_the_manual_lists_every_command() -> None:
    """docs/administration.md and the program know the same commands, for the same people."""
    page = (ROOT / "docs" / "administration.md").read_text(encoding="utf-8")
    listed = [line for line in page.splitlines() if line.startswith("| `bmadmin ")]
    assert listed == [
        f"| `{example(one.operation)}` | {one.operation.summary} |"
        f" {', '.join(sorted(role.value.lower() for role in one.operation.roles))} |"
        for one in verbs(OPERATIONS)
    ]
