"""Customers log in and out; who guesses learns nothing and gets nowhere."""

import base64
import hashlib
import hmac
import time

import pytest
from asking import SECRETS, Asking
from conftest import Database
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from hypothesis import given, settings
from hypothesis import strategies as st
from two_customers import ADA, BERT, furnish

from bmuid import passwords

LOGIN = "ada@example.org"
PASSWORD = "a lantern over Täuschung"
WRONG = "a lantern over Täuschunh"


@pytest.fixture
def asking(database: Database) -> Asking:
    """Give one who asks at a database where Ada has a login with a password, and Bert none."""
    furnish(database)
    asking = Asking(database)
    assert asking.staff("login_add", login=LOGIN, account=ADA.number, password=PASSWORD).done
    return asking


def wait(asking: Asking, seconds: int) -> None:
    """Let time pass for the throttle."""
    asking.sql(f"UPDATE login SET tries_at = tries_at - interval '{seconds} seconds'")


def log_in(asking: Asking, login: str = LOGIN, password: str = PASSWORD) -> str:
    """Log in; give the token."""
    answer = asking.customer("login_open", login=login, password=password)
    assert answer.done, answer.body
    return answer.body["token"]


@pytest.mark.parametrize(
    "typed", [LOGIN, "ADA@Example.ORG", " ada@example.org ", "\uff41\uff44\uff41@example.org"]
)
def test_a_customer_logs_in_however_the_name_is_typed(asking: Asking, typed: str) -> None:
    """Capitals, spaces around, wide letters: my login is found, and I see whose account it is."""
    answer = asking.customer("login_open", login=typed, password=PASSWORD)

    assert answer.body["account"] == {"number": ADA.number, "name": ADA.name}
    assert sorted(answer.body) == ["account", "csrf", "token"]


def test_a_password_counts_in_any_unicode_form(asking: Asking) -> None:
    """My keyboard makes ä of two characters, another of one: both are my password."""
    token = log_in(asking, password=PASSWORD.replace("ä", "a\u0308"))

    assert asking.customer("overview_show", token=token).done


def test_logging_out_ends_the_session_and_needs_the_pages_own_proof(asking: Asking) -> None:
    """A form of another site can't log me out; mine does, at once."""
    token = log_in(asking)
    csrf = asking.customer("overview_show", token=token).body["csrf"]

    assert asking.customer("login_close", token=token, csrf="0" * 64).code == "BAD_CSRF"
    assert asking.customer("overview_show", token=token).done
    assert asking.customer("login_close", token=token, csrf=csrf).done
    assert asking.customer("overview_show", token=token).code == "SESSION_ENDED"


def test_every_refusal_reads_the_same(asking: Asking) -> None:
    """Unknown name, wrong password, barred login, too many tries: nobody can tell which it was."""
    unknown = asking.customer("login_open", login="nobody@example.org", password=PASSWORD)
    wrong = [asking.customer("login_open", login=LOGIN, password=WRONG) for _ in range(5)]
    often = asking.customer("login_open", login=LOGIN, password=PASSWORD)
    wait(asking, 60)
    asking.staff("login_disable", login=LOGIN)
    barred = asking.customer("login_open", login=LOGIN, password=PASSWORD)

    assert {one.octets for one in (unknown, *wrong, often, barred)} == {unknown.octets}
    assert unknown.code == "LOGIN_REFUSED"


def test_every_refusal_takes_the_same_work(asking: Asking) -> None:
    """The work behind the answer does not tell an unknown name from a wrong password or a barred login."""
    asking.staff("login_add", login="barred", account=BERT.number, password=PASSWORD)
    asking.staff("login_disable", login="barred")
    times: dict[str, list[float]] = {"nobody": [], LOGIN: [], "barred": []}
    for _ in range(7):
        for login, taken in times.items():
            wait(asking, 60)
            start = time.thread_time()
            asking.customer("login_open", login=login, password=WRONG)
            taken.append(time.thread_time() - start)
    fastest = {login: min(taken) for login, taken in times.items()}

    assert max(fastest.values()) < 2 * min(fastest.values()), fastest
    assert min(fastest.values()) > 0.01


def test_three_tries_at_once_then_one_in_six_seconds(asking: Asking) -> None:
    """Whoever guesses gets three guesses, and one more each six seconds, from wherever they come."""
    for _ in range(10):
        asking.customer("login_open", login=LOGIN, password=WRONG)
    counted = asking.sql("SELECT failures FROM login WHERE name = 'ada@example.org'")
    locked = asking.customer("login_open", login=LOGIN, password=PASSWORD)
    wait(asking, 6)
    after = asking.customer("login_open", login=LOGIN, password=PASSWORD)

    assert counted == [(3,)]
    assert (locked.code, after.done) == ("LOGIN_REFUSED", True)


def test_a_hundred_failures_in_a_row_bar_the_login_until_the_staff_gives_a_password(
    asking: Asking,
) -> None:
    """After a hundred wrong passwords not even the right one opens; a new password does."""
    asking.sql("UPDATE login SET failures = 99")
    asking.customer("login_open", login=LOGIN, password=WRONG)
    wait(asking, 3600)
    barred = asking.customer("login_open", login=LOGIN, password=PASSWORD)
    asking.staff("login_password", login=LOGIN, password="another lantern, brighter")

    assert barred.code == "LOGIN_REFUSED"
    assert log_in(asking, password="another lantern, brighter")


def test_a_right_password_forgives_the_wrong_ones_before(asking: Asking) -> None:
    """I mistype twice and then get it right: next time I have all my tries again."""
    for password in (WRONG, WRONG, PASSWORD, WRONG, WRONG, PASSWORD):
        last = asking.customer("login_open", login=LOGIN, password=password)

    assert last.done
    assert asking.sql("SELECT failures FROM login WHERE name = 'ada@example.org'") == [(0,)]


@pytest.mark.parametrize(
    ("operation", "texts"),
    [
        ("login_password", {"login": LOGIN, "password": "another lantern, brighter"}),
        ("login_disable", {"login": LOGIN}),
        ("session_end", {"login": LOGIN}),
    ],
)
def test_staff_can_end_all_sessions_of_a_login(
    asking: Asking, operation: str, texts: dict[str, str]
) -> None:
    """My password was stolen: a new one, or barring the login, throws out whoever is in, at the next request."""
    tokens = [log_in(asking) for _ in range(3)]
    asking.staff(operation, **texts)

    codes = {asking.customer("overview_show", token=token).code for token in tokens}

    assert codes == {"SESSION_ENDED"}


def test_an_enabled_login_works_again(asking: Asking) -> None:
    """A barred login is admitted again, and its password is what it was."""
    asking.staff("login_disable", login=LOGIN)
    listed = asking.staff("login_enable", login=LOGIN)

    assert listed.body == {
        "name": LOGIN,
        "account": ADA.number,
        "disabled": False,
        "failures": 0,
        "sessions": 0,
    }
    assert log_in(asking)


def test_a_login_has_ten_sessions_at_most(asking: Asking) -> None:
    """The eleventh session ends the first; no more than ten are ever open."""
    tokens = [log_in(asking) for _ in range(11)]
    open_ = [asking.customer("overview_show", token=token).done for token in tokens]

    assert open_ == [False] + [True] * 10
    assert len(set(tokens)) == 11


def test_the_database_holds_neither_tokens_nor_passwords(asking: Asking) -> None:
    """A copy of the database opens no session and tells no password."""
    token = log_in(asking)
    asking.customer("login_open", login=LOGIN, password=WRONG)
    kept = []
    for (table,) in asking.sql(
        "SELECT relname FROM pg_class WHERE relnamespace = 'bmu'::regnamespace AND relkind = 'r'"
    ):
        kept += [str(row) for row in asking.sql(f"SELECT t::text FROM {table} AS t")]
    everything = "\n".join(kept)
    digest = hashlib.sha256(token.encode()).hexdigest()

    assert [text for text in (token, PASSWORD, WRONG) if text in everything] == []
    assert digest in everything


def test_each_try_to_log_in_leaves_a_trace(asking: Asking) -> None:
    """The audit says who tried when and whether it worked, for names that exist and for others."""
    log_in(asking)
    asking.customer("login_open", login=LOGIN, password=WRONG)
    asking.customer("login_open", login="nobody", password=WRONG)
    listed = asking.staff("audit_list", operation="login_open").body["entries"]

    assert [(one["object"], one["outcome"], one["door"]) for one in listed] == [
        ("nobody", "LOGIN_REFUSED", "PUBLIC"),
        (LOGIN, "LOGIN_REFUSED", "PUBLIC"),
        (LOGIN, "DONE", "PUBLIC"),
    ]
    assert asking.staff("audit_verify").body["holds"]


def test_an_old_hash_is_made_anew_at_the_next_log_in(asking: Asking) -> None:
    """When the house takes stronger parameters, each customer's hash follows when they log in."""
    salt = b"0123456789abcdef"
    weak = Argon2id(salt=salt, length=32, iterations=1, lanes=1, memory_cost=8192)
    key = weak.derive(hmac.digest(SECRETS.pepper, PASSWORD.encode(), "sha256"))
    texts = [base64.b64encode(octets).decode().rstrip("=") for octets in (salt, key)]
    old = f"$argon2id$v=19$m=8192,t=1,p=1${texts[0]}${texts[1]}"
    asking.sql(f"UPDATE login SET password = '{old}' WHERE name = '{LOGIN}'")
    log_in(asking)
    (kept,) = asking.sql(f"SELECT password FROM login WHERE name = '{LOGIN}'")[0]

    assert passwords.is_outdated(old)
    assert kept.startswith("$argon2id$v=19$m=47104,t=1,p=1$")
    assert log_in(asking)


def test_a_hash_without_the_pepper_verifies_nothing() -> None:
    """Whoever has the database but not the key file can't even test a guess."""
    kept = passwords.hash_of(PASSWORD, SECRETS.pepper)

    assert passwords.verify(PASSWORD, SECRETS.pepper, kept)
    assert not passwords.verify(PASSWORD, b"q" * 32, kept)
    assert passwords.hash_of(PASSWORD, SECRETS.pepper) != kept


@settings(max_examples=25, deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=128))
def test_each_character_of_a_password_counts(password: str) -> None:
    """Any password is taken as it is: the same opens, one with another last character does not."""
    kept = passwords.hash_of(password, SECRETS.pepper)
    other = password[:-1] + ("x" if password[-1] != "x" else "y")

    assert passwords.verify(password, SECRETS.pepper, kept)
    assert not passwords.verify(other, SECRETS.pepper, kept)


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ("fourteen chars", "a password has 15 to 128 characters, not 14"),
        ("x" * 129, "a password has 15 to 128 characters, not 129"),
        ("abababababababababab", "a password has at least 5 different characters"),
        ("I am ada@example.org!", "a password does not hold the name of its login"),
        ("fifteen chars ok", None),
        ("🏠" * 10 + "fünf verschiedene", None),
    ],
)
def test_what_is_asked_of_a_password(password: str, fault: str | None) -> None:
    """A password is long and not one's own name; there are no other rules."""
    assert passwords.fault_of(password, LOGIN) == fault


def test_a_name_is_given_to_one_login_only(asking: Asking) -> None:
    """Two accounts can't have the same login, however its name is written."""
    again = asking.staff(
        "login_add", login="ADA@example.org", account=BERT.number, password=PASSWORD
    )

    assert again.code == "LOGIN_EXISTS"
    assert asking.staff("audit_list", limit="1").body["entries"][0]["outcome"] == "LOGIN_EXISTS"
