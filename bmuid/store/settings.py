"""What the database must promise before money is trusted to it."""

from bmuid.store.transaction import Transaction

SERVER_VERSION_MIN = 150000
FAULTS_MAX = 5

# Setting -> the values under which an answered COMMIT survives a crash, and nothing is skipped or misread.
WANTED = {
    "fsync": ("on",),
    "full_page_writes": ("on",),
    "synchronous_commit": ("on", "remote_apply"),
    "session_replication_role": ("origin",),
    "server_encoding": ("UTF8",),
    "client_encoding": ("UTF8", "UNICODE"),
    "TimeZone": ("UTC", "Etc/UTC"),
    "standard_conforming_strings": ("on",),
}


def faults(txn: Transaction) -> tuple[str, ...]:
    """Give every reason not to run on this database as this role; each says what to do."""
    return (*_settings(txn), *_role(txn), *_guards(txn))


def _settings(txn: Transaction) -> list[str]:
    txn.execute("SELECT current_setting('server_version_num')::integer")
    row = txn.fetchone()
    found = []
    if row is None or row[0] < SERVER_VERSION_MIN:
        found.append("the server is older than PostgreSQL 15; upgrade it")
    txn.execute(
        "SELECT name, current_setting(name) FROM unnest(%(names)s) AS name",
        {"names": list(WANTED)},
    )
    for name, value in txn.fetchall():
        if value not in WANTED[name]:
            found.append(f"{name} is {value}; set it to {WANTED[name][0]}")
    return found


def _role(txn: Transaction) -> list[str]:
    txn.execute(
        "SELECT r.rolname, r.rolsuper OR r.rolbypassrls OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication,"
        " pg_has_role(r.oid, (SELECT nspowner FROM pg_namespace WHERE nspname = 'bmu'), 'MEMBER')"
        " OR EXISTS (SELECT FROM pg_class WHERE relowner = r.oid)"
        " FROM pg_roles AS r WHERE r.rolname = current_user"
    )
    found = []
    for name, mighty, owns in txn.fetchall():
        if mighty:
            found.append(
                f"role {name} is a superuser or may bypass rules; use the roles of schema.sql"
            )
        elif owns:
            found.append(
                f"role {name} owns tables; use the roles of schema.sql, which own nothing"
            )
    return found


def _guards(txn: Transaction) -> list[str]:
    txn.execute(
        "SELECT format('trigger %%s of %%s is disabled; enable it', t.tgname, c.relname)"
        " FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid"
        " JOIN pg_namespace AS n ON n.oid = c.relnamespace"
        " WHERE n.nspname = 'bmu' AND t.tgenabled IN ('D', 'R')"
        " UNION ALL SELECT format('constraint %%s of %%s is not validated; validate it', k.conname, c.relname)"
        " FROM pg_constraint AS k JOIN pg_class AS c ON c.oid = k.conrelid"
        " JOIN pg_namespace AS n ON n.oid = c.relnamespace"
        " WHERE n.nspname = 'bmu' AND NOT k.convalidated"
        " UNION ALL SELECT format('row level security of %%s is off; enable it', c.relname)"
        " FROM pg_policy AS p JOIN pg_class AS c ON c.oid = p.polrelid WHERE NOT c.relrowsecurity"
        " LIMIT %(most)s",
        {"most": FAULTS_MAX},
    )
    return [str(row[0]) for row in txn.fetchall()]
