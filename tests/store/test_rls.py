"""Whoever can run any statement as the public door's role sees the rows of the customer whose token they hold."""

import io
from contextlib import closing

import psycopg2
import psycopg2.extensions
import pytest
from conftest import Database
from two_customers import ADA, BERT, CALLS, furnish

from bmuid.store import sessions

OWN = (
    "account",
    "account_service",
    "uid_history",
    "udr",
    "charge",
    "charge_reversal",
    "bucket",
    "draw",
    "invoice",
    "invoice_line",
    "invoice_charge",
)
CATALOGUE = (
    "company",
    "company_terms",
    "usage_class",
    "location",
    "location_pattern",
    "location_group",
    "holiday_calendar",
    "time_period",
    "rounding",
    "rate_plan",
    "rate_group",
    "rate",
    "bucket_type",
    "share_plan",
    "reclass",
    "tax",
    "tax_code",
    "price_plan",
    "package",
    "schema_version",
)
MAY_CALL = {
    "enter",
    "entered_account",
    "leave",
    "bucket_above",
    "shared_buckets",
    "audit_add",
    "audit_hash",
    "textrange",
}

# Ways to ask a table for more than one's own; {account} is the column that says whose a row is.
SHAPES = (
    "SELECT * FROM {table}",
    "SELECT * FROM {table} WHERE {account} = %(bert)s",
    "SELECT * FROM {table} WHERE {account} <> %(ada)s OR 1 = 1",
    "SELECT * FROM {table} WHERE NOT {account} = %(ada)s",
    "SELECT * FROM company LEFT JOIN {table} ON true",
    "SELECT * FROM company LEFT JOIN {table} AS t ON t.{account} = %(bert)s",
    "SELECT 1 AS a, 2 AS b UNION ALL SELECT {account}, {account} FROM {table}",
    "SELECT (SELECT max({account}) FROM {table})",
    "SELECT max({account}), min({account}), sum({account}), array_agg({account}) FROM {table}",
    "SELECT string_agg(t::text, ',') FROM {table} AS t",
    "SELECT json_agg(t) FROM {table} AS t",
    "SELECT query_to_xml('SELECT * FROM {table}', true, true, '')",
    "SELECT table_to_xml('{table}', true, true, '')",
    "SELECT * FROM {table} ORDER BY {account} DESC LIMIT 1",
    "SELECT DISTINCT ON ({account}) * FROM {table} ORDER BY {account} DESC",
    "SELECT rank() OVER (ORDER BY {account}), t.* FROM {table} AS t",
    "SELECT CASE WHEN EXISTS (SELECT FROM {table} WHERE {account} = %(bert)s) THEN %(bert)s END",
    "SELECT ('x' || t::text)::integer FROM {table} AS t",
    "SELECT 1 / ({account} - %(bert)s) FROM {table}",
    "SELECT * FROM {table} WHERE pg_notify('c', {table}::text) IS NULL",
    "WITH RECURSIVE r AS (SELECT * FROM {table}) SELECT * FROM r",
    "WITH moved AS MATERIALIZED (SELECT * FROM {table}) SELECT * FROM moved",
    "SELECT * FROM {table} TABLESAMPLE SYSTEM (100)",
    "SELECT ctid, tableoid, xmin, t.* FROM {table} AS t",
    "DECLARE c CURSOR FOR SELECT * FROM {table}; FETCH ALL FROM c",
    "PREPARE p AS SELECT * FROM {table}; EXECUTE p",
    "SET LOCAL plan_cache_mode = force_generic_plan; PREPARE p AS SELECT * FROM {table}; EXECUTE p",
    "SET LOCAL enable_indexscan = off; SET LOCAL enable_bitmapscan = off; SELECT * FROM {table}",
    "EXPLAIN (ANALYZE, VERBOSE) SELECT * FROM {table}",
)

# Doors beside the tables. Each is tried after the own token was entered.
SIDE_DOORS = (
    "SET LOCAL bmu.account = '{bert}'; SELECT * FROM account",
    "SELECT set_config('bmu.account_id', '{bert}', true); SELECT * FROM charge",
    "SET LOCAL row_security = off; SELECT * FROM account",
    "SET ROLE bmu_owner; SELECT * FROM account",
    "SET ROLE bmuid; SELECT * FROM account",
    "SET SESSION AUTHORIZATION postgres; SELECT * FROM account",
    "ALTER ROLE bmuid_public BYPASSRLS; SELECT * FROM account",
    "GRANT bmu_owner TO bmuid_public; SELECT * FROM account",
    "ALTER TABLE account DISABLE ROW LEVEL SECURITY; SELECT * FROM account",
    "DROP POLICY account_own ON account; SELECT * FROM account",
    "CREATE POLICY mine ON account USING (true); SELECT * FROM account",
    "CREATE OR REPLACE FUNCTION bmu.entered_account() RETURNS bigint LANGUAGE sql AS 'SELECT {bert}::bigint'",
    "CREATE FUNCTION pg_temp.entered_account() RETURNS bigint LANGUAGE sql AS 'SELECT {bert}::bigint'",
    "CREATE FUNCTION public.f() RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint'",
    "CREATE TEMP TABLE entered AS SELECT pg_backend_pid() AS pid, {bert} AS account_id; SELECT * FROM account",
    "CREATE VIEW bmu.v AS SELECT * FROM account; SELECT * FROM bmu.v",
    "CREATE TABLE public.t AS SELECT * FROM account",
    "DO $$ BEGIN RAISE NOTICE '%', (SELECT string_agg(a::text, ',') FROM bmu.account AS a); END $$",
    "INSERT INTO entered VALUES (pg_backend_pid(), pg_current_xact_id(), {bert}, 1); SELECT * FROM account",
    "UPDATE entered SET account_id = {bert}; SELECT * FROM account",
    "DELETE FROM entered; SELECT * FROM account",
    "SELECT * FROM entered",
    "SELECT * FROM session",
    "SELECT * FROM login",
    "SELECT * FROM audit",
    "SELECT * FROM verdict",
    "SELECT * FROM usage_file",
    "SELECT * FROM journal",
    "SELECT * FROM posting",
    "SELECT * FROM ledger_account",
    "SELECT * FROM outbox",
    "SELECT * FROM request_key",
    "SELECT * FROM usage_key",
    "SELECT * FROM charge_20260803",
    "SELECT origin, destination FROM charge_20260803",
    "SELECT pg_get_viewdef('udr'::regclass), u.* FROM udr AS u WHERE account_id = {bert}",
    "SELECT * FROM invoice_charge_20260803",
    "SELECT * FROM ONLY charge",
    "COPY account TO STDOUT",
    "COPY (SELECT * FROM account) TO STDOUT",
    "COPY account TO PROGRAM 'cat'",
    "COPY account TO '/tmp/account'",
    "SELECT pg_read_file('PG_VERSION')",
    "SELECT pg_ls_dir('base')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT most_common_vals::text, histogram_bounds::text FROM pg_stats WHERE schemaname = 'bmu'",
    "SELECT stavalues1::text FROM pg_statistic",
    "SELECT stxdmcv::text FROM pg_statistic_ext_data",
    "SELECT * FROM pg_authid",
    "SELECT usename, query FROM pg_stat_activity",
    "SELECT pg_stat_get_backend_activity(s) FROM pg_stat_get_backend_idset() AS s",
    "SELECT * FROM pg_prepared_xacts",
    "SELECT * FROM pg_cursors",
    "SELECT * FROM pg_prepared_statements",
    "SELECT last_value FROM bmu.account_id_seq",
    "SELECT nextval('bmu.account_id_seq')",
    "SELECT currval('bmu.account_id_seq')",
    "SELECT pg_sequence_last_value('bmu.account_id_seq')",
    "SELECT bmu.enter('{bert_hash}'); SELECT * FROM account",
    "SELECT bmu.enter(decode('{bert_hash}', 'hex')::text); SELECT * FROM account",
    "SELECT bmu.enter(NULL); SELECT * FROM account",
    "SELECT bmu.enter('%'); SELECT * FROM account",
    "SELECT bmu.enter('{bert_start}'); SELECT * FROM account",
    "SELECT bmu.login_try('{bert_login}')",
    "SELECT bmu.session_open(2, sha256('x'), NULL); SELECT bmu.enter('x'); SELECT * FROM account",
    "SELECT bmu.login_failed(2)",
    "SELECT bmu.ensure_day('2026-12-24')",
    "SAVEPOINT s; SELECT bmu.enter('none'); ROLLBACK TO s; SELECT * FROM account",
    "SELECT bmu.audit_add('a', 'ADMIN', 'o', 'DONE', '', '', '')",
    "SELECT bmu.audit_broken_at()",
    "SELECT * FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()",
    "LOCK TABLE account IN ACCESS SHARE MODE; SELECT * FROM account",
    "LISTEN c; SELECT * FROM account",
    "CREATE EXTENSION dblink",
    "LOAD 'plpgsql'; SELECT * FROM account",
    "ANALYZE VERBOSE account",
    "CLUSTER VERBOSE account",
    "REINDEX TABLE account",
    "COMMENT ON TABLE account IS 'x'",
    "CREATE STATISTICS s ON number, name FROM account",
    "SELECT * FROM information_schema.column_domain_usage",
)


@pytest.fixture
def world(database: Database) -> Database:
    """Give a database with two customers, and figures for the planner of both."""
    furnish(database)
    with closing(database.connect("postgres")) as connection:
        connection.autocommit = True
        connection.cursor().execute("ANALYZE")
    return database


def shown(
    connection: psycopg2.extensions.connection, statements: str, token: str | None = ADA.token
) -> str:
    """Run statements in one transaction that has entered *token*; give all that comes back, errors too."""
    copied = io.StringIO()
    heard = []
    with connection.cursor() as txn:
        try:
            if token is not None:
                txn.execute("SELECT enter(%(token)s)", {"token": token})
            if statements.startswith("COPY"):
                txn.copy_expert(statements, copied)
            else:
                particulars = {"ada": ADA.id, "bert": BERT.id}
                txn.execute(statements, particulars if "%(" in statements else None)
                heard += [
                    str(one) for row in (txn.fetchall() if txn.description else ()) for one in row
                ]
        except psycopg2.Error as error:
            heard += [str(error), str(error.diag.message_detail), str(error.diag.context)]
        connection.rollback()
        txn.execute("DEALLOCATE ALL")
        connection.commit()
    heard += [copied.getvalue(), *connection.notices]
    heard += [notice.payload for notice in connection.notifies]
    connection.notices.clear()
    return "\n".join(heard)


def leaks(text: str, asked: str) -> list[str]:
    """Give Bert's canaries in *text*, but for those that the question itself held."""
    return [canary for canary in BERT.canaries if canary in text and canary not in asked]


def filled(template: str) -> str:
    """Put Bert's particulars into an attack, which an attacker may have learnt elsewhere."""
    digest = BERT.canaries[-1]
    for name, value in {
        "{bert}": str(BERT.id),
        "{bert_hash}": digest,
        "{bert_start}": BERT.token[:40],
        "{bert_login}": BERT.name.lower(),
    }.items():
        template = template.replace(name, value)
    return template


def shape(template: str, table: str) -> str:
    """Direct a way of asking at one table."""
    return template.format(table=table, account="id" if table == "account" else "account_id")


def test_a_customer_sees_the_rows_of_the_own_account(world: Database) -> None:
    """I log in and find my account, my calls, my charges and my invoice."""
    with closing(world.connect("bmuid_public")) as connection, connection.cursor() as txn:
        assert sessions.enter(txn, ADA.token) == ADA.id
        counts = {}
        for table in OWN:
            txn.execute(f"SELECT count(*) FROM {table}")
            counts[table] = txn.fetchone()[0]

    assert counts == {
        "account": 1,
        "account_service": 1,
        "uid_history": 1,
        "udr": CALLS,
        "charge": CALLS + 1,
        "charge_reversal": 1,
        "bucket": 1,
        "draw": CALLS + 3,
        "invoice": 1,
        "invoice_line": 2,
        "invoice_charge": 1,
    }


def test_the_search_for_leaks_finds_one_where_there_is_one(world: Database) -> None:
    """The canaries are really in each table, so an empty search means something."""
    with closing(world.connect("postgres")) as connection:
        for table in OWN:
            asked = shape(SHAPES[0], table)

            assert leaks(shown(connection, asked, None), asked), table


def test_no_way_of_asking_shows_the_rows_of_another_customer(world: Database) -> None:
    """Whatever is asked of my tables, nothing of another customer is in the answer."""
    found = []
    with closing(world.connect("bmuid_public")) as connection:
        for table in OWN:
            for template in SHAPES:
                asked = shape(template, table)
                found += [
                    (asked, leak)
                    for leak in leaks(shown(connection, asked), f"{BERT.id}"[:8])
                    if "%(bert)s" not in asked or leak != str(BERT.id)[:8]
                ]

    assert found == []


def test_no_side_door_shows_anything_of_another_customer(world: Database) -> None:
    """Settings, roles, temporary objects, statistics, files, sequences, other functions: none helps."""
    assert len(SIDE_DOORS) + len(SHAPES) * len(OWN) >= 60
    found = []
    with (
        closing(world.connect("bmuid_public")) as other,
        closing(world.connect("bmuid_public")) as connection,
    ):
        with other.cursor() as txn:
            sessions.enter(txn, BERT.token)
        for template in SIDE_DOORS:
            asked = filled(template)
            found += [(asked, leak) for leak in leaks(shown(connection, asked), asked)]

    assert found == []


@pytest.mark.parametrize(
    "token",
    [
        None,
        "",
        "none",
        ADA.token.upper(),
        ADA.token[:-1],
        ADA.token + "a",
        ADA.token + "' OR '1'='1",
        f"{ADA.token} {BERT.token}",
        ADA.canaries[-1],
    ],
)
def test_without_a_live_token_there_are_no_rows(world: Database, token: str | None) -> None:
    """Whoever has no session, or nearly one, sees nobody's rows."""
    with closing(world.connect("bmuid_public")) as connection, connection.cursor() as txn:
        entered = None if token is None else sessions.enter(txn, token)
        txn.execute("SELECT count(*) FROM account")

        assert (entered, txn.fetchone()[0]) == (None, 0)


@pytest.mark.parametrize(
    "ending",
    [
        "UPDATE session SET ended = true",
        "UPDATE session SET seen_at = clock_timestamp() - interval '15 minutes'",
        "UPDATE session SET created_at = clock_timestamp() - interval '13 hours', ends_at = clock_timestamp()",
        "UPDATE login SET disabled = true",
    ],
    ids=["logged out", "idle for 15 minutes", "12 hours old", "login barred"],
)
def test_a_session_that_has_ended_opens_nothing(world: Database, ending: str) -> None:
    """After log-out, 15 idle minutes, 12 hours, or when the login is barred, the token is worth nothing."""
    with closing(world.connect("postgres")) as connection, connection, connection.cursor() as txn:
        txn.execute(f"SET search_path TO bmu; {ending}")
    with closing(world.connect("bmuid_public")) as connection, connection.cursor() as txn:
        assert sessions.enter(txn, ADA.token) is None


def test_a_session_lasts_until_just_before_its_limits(world: Database) -> None:
    """Fourteen idle minutes, or the last minute of twelve hours, still count as logged in; and using it helps."""
    with closing(world.connect("postgres")) as connection, connection, connection.cursor() as txn:
        txn.execute(
            "UPDATE bmu.session SET seen_at = clock_timestamp() - interval '14 minutes 50 seconds',"
            " ends_at = clock_timestamp() + interval '30 seconds'"
        )
    with (
        closing(world.connect("bmuid_public")) as connection,
        connection,
        connection.cursor() as txn,
    ):
        assert sessions.enter(txn, ADA.token) == ADA.id
    with closing(world.connect("postgres")) as connection, connection.cursor() as txn:
        txn.execute(
            "SELECT count(*) FROM bmu.session WHERE seen_at > clock_timestamp() - interval '1 minute'"
        )

        assert txn.fetchone()[0] == 1


def test_the_next_transaction_of_the_connection_starts_with_nothing(world: Database) -> None:
    """The customer served after me on the same connection does not find my rows there."""
    with closing(world.connect("bmuid_public")) as connection:
        seen = []
        for last in (connection.commit, connection.rollback):
            with connection.cursor() as txn:
                sessions.enter(txn, ADA.token)
                last()
                txn.execute("SELECT count(*) FROM charge")
                seen.append(txn.fetchone()[0])
                connection.rollback()

    assert seen == [0, 0]


def test_entering_another_session_leaves_the_first(world: Database) -> None:
    """One transaction acts for one customer: the last token counts, a dead one leaves none."""
    with closing(world.connect("bmuid_public")) as connection, connection.cursor() as txn:
        seen = []
        for token in (ADA.token, BERT.token, "none"):
            sessions.enter(txn, token)
            txn.execute("SELECT id FROM account")
            seen.append([row[0] for row in txn.fetchall()])

    assert seen == [[ADA.id], [BERT.id], []]


def test_after_logging_out_the_token_opens_nothing(world: Database) -> None:
    """I log out, and the token, wherever a copy of it is, is dead; my neighbour stays logged in."""
    with closing(world.connect("bmuid_public")) as connection:
        with connection, connection.cursor() as txn:
            sessions.enter(txn, ADA.token)
            left = (sessions.leave(txn, ADA.token), sessions.leave(txn, ADA.token))
        with connection, connection.cursor() as txn:
            after = (sessions.enter(txn, ADA.token), sessions.enter(txn, BERT.token))

    assert (left, after) == ((True, False), (None, BERT.id))


def test_a_token_can_not_be_read_from_the_servers_activity(world: Database) -> None:
    """The token that one customer's request brings is hidden from the statements of all others."""
    with (
        closing(world.connect("bmuid_public")) as busy,
        closing(world.connect("bmuid_public")) as nosy,
        closing(world.connect("postgres")) as superuser,
    ):
        with busy.cursor() as txn:
            sessions.enter(txn, BERT.token)
        seen = []
        for connection in (nosy, superuser):
            with connection.cursor() as txn:
                txn.execute("SELECT string_agg(query, ' ') FROM pg_stat_activity")
                seen.append(BERT.token in (txn.fetchone()[0] or ""))
        with nosy.cursor() as txn, pytest.raises(psycopg2.errors.InsufficientPrivilege):
            txn.execute("SET track_activities TO on")

    assert seen == [False, False]


def test_the_public_role_may_read_what_the_list_says_and_write_nothing(world: Database) -> None:
    """The rights of the door that the internet reaches are those that were thought about, and no more."""
    with closing(world.connect("postgres")) as connection, connection.cursor() as txn:
        txn.execute(
            """
            SELECT c.relname, p.privilege FROM pg_class AS c
            CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER'])
                AS p (privilege)
            WHERE c.relnamespace = 'bmu'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
            AND (has_table_privilege('bmuid_public', c.oid, p.privilege) OR (p.privilege IN
                ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES')
                AND has_any_column_privilege('bmuid_public', c.oid, p.privilege)))
            """
        )
        granted = set(txn.fetchall())
        txn.execute(
            """
            SELECT seqrelid::regclass::text FROM pg_sequence
            WHERE has_sequence_privilege('bmuid_public', seqrelid, 'USAGE, SELECT, UPDATE')
            """
        )
        sequences = txn.fetchall()
        txn.execute(
            """
            SELECT DISTINCT proname FROM pg_proc WHERE pronamespace = 'bmu'::regnamespace
            AND has_function_privilege('bmuid_public', oid, 'EXECUTE')
            """
        )
        functions = {name for (name,) in txn.fetchall()}
        txn.execute(
            "SELECT has_database_privilege('bmuid_public', current_database(), 'TEMP'),"
            " has_database_privilege('bmuid_public', current_database(), 'CREATE'),"
            " has_schema_privilege('bmuid_public', 'bmu', 'CREATE'),"
            " has_schema_privilege('bmuid_public', 'public', 'CREATE'),"
            " has_schema_privilege('bmuid_public', 'public', 'USAGE')"
        )
        places = txn.fetchone()

    assert granted == {(table, "SELECT") for table in (*OWN, *CATALOGUE)}
    assert sequences == []
    assert functions == MAY_CALL
    assert places == (False, False, False, False, False)


def test_every_table_with_an_account_is_watched(world: Database) -> None:
    """A table that says whose its rows are either has a policy or is out of the public door's reach."""
    with closing(world.connect("postgres")) as connection, connection.cursor() as txn:
        txn.execute(
            """
            SELECT c.relname FROM pg_class AS c
            WHERE c.relnamespace = 'bmu'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relrowsecurity
            AND EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attname = 'account_id')
            AND has_any_column_privilege('bmuid_public', c.oid, 'SELECT')
            """
        )

        assert txn.fetchall() == []


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT lo_create(0)",
        "SELECT lo_from_bytea(0, 'x')",
        "CREATE TEMP TABLE t (n integer)",
        "CREATE TABLE public.t (n integer)",
        "CREATE SCHEMA s",
        "CREATE FUNCTION pg_temp.f() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "COPY company FROM STDIN",
        "SELECT * FROM account FOR UPDATE",
        "SELECT * FROM account FOR KEY SHARE",
        "NOTIFY bmu_usage; UPDATE account SET name = 'x'",
    ],
)
def test_nothing_can_be_left_behind(world: Database, statement: str) -> None:
    """The public door's role has no place to write to: no table, no temporary one, no large object, no lock."""
    with closing(world.connect("bmuid_public")) as connection, connection.cursor() as txn:
        sessions.enter(txn, ADA.token)
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            txn.execute(statement)


def test_the_role_that_checks_passwords_reads_no_table(world: Database) -> None:
    """Whoever takes over the password check gets neither hashes nor customers' rows by asking for them."""
    with closing(world.connect("postgres")) as connection, connection.cursor() as txn:
        txn.execute(
            """
            SELECT relname FROM pg_class WHERE relnamespace = 'bmu'::regnamespace
            AND relkind IN ('r', 'p', 'v', 'm', 'f') AND has_any_column_privilege('bmuid_auth', oid, 'SELECT')
            """
        )
        tables = [name for (name,) in txn.fetchall()]
        txn.execute(
            """
            SELECT DISTINCT proname FROM pg_proc WHERE pronamespace = 'bmu'::regnamespace
            AND has_function_privilege('bmuid_auth', oid, 'EXECUTE')
            """
        )
        functions = {name for (name,) in txn.fetchall()}

    assert tables == ["schema_version"]
    assert functions == {
        "login_try",
        "login_failed",
        "session_open",
        "audit_add",
        "audit_hash",
        "textrange",
    }
