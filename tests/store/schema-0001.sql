-- bmuid: the whole present schema. A new database is made from this file alone; an older one is led here by
-- bmuid/store/deltas/. Run once, by a superuser, in an empty UTF8 database.
--
-- Law of the file: what must never happen to usage or money is refused here, not only in the program.
--   * Nobody logs in as the owner of a table; each service has a role with just the rights it uses.
--   * Usage, charges, draws, postings, issued invoices and the audit are append-only.
--   * Amounts of rating are whole multiples of 10^-11 of the currency (..._e11); money of the ledger and of
--     invoices is in whole minor units (..._minor). Neither is ever a float.
--   * Periods and validity are half-open ranges. Quantities are in the base unit of the class (second, octet, 1).
--   * Each table that grows carries its account in its key, and is partitioned by the day (UTC) of the event.

DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['bmuid', 'bmuid_admin', 'bmuid_auth', 'bmuid_public'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            EXECUTE format('CREATE ROLE %I LOGIN', wanted);
        END IF;
    END LOOP;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'bmu_owner') THEN
        CREATE ROLE bmu_owner NOLOGIN;
    END IF;
    -- The statements of these two hold tokens: others of their role must not read them in pg_stat_activity, nor
    -- anybody in the log.
    FOREACH wanted IN ARRAY ARRAY['bmuid_auth', 'bmuid_public'] LOOP
        EXECUTE format('ALTER ROLE %I SET track_activities TO off', wanted);
        EXECUTE format('ALTER ROLE %I SET log_min_error_statement TO panic', wanted);
    END LOOP;
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format(
        'GRANT CONNECT ON DATABASE %I TO bmuid, bmuid_admin, bmuid_auth, bmuid_public', current_database()
    );
    EXECUTE format('ALTER DATABASE %I SET timezone TO ''UTC''', current_database());
    EXECUTE format('ALTER DATABASE %I SET search_path TO bmu', current_database());
END $$;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
-- What PostgreSQL lets everybody do and nobody here needs: keep large objects, end the work of others of the role.
REVOKE EXECUTE ON FUNCTION pg_catalog.lo_creat(integer), pg_catalog.lo_create(oid),
    pg_catalog.lo_from_bytea(oid, bytea), pg_catalog.lo_put(oid, bigint, bytea), pg_catalog.lowrite(integer, bytea),
    pg_catalog.pg_cancel_backend(integer), pg_catalog.pg_terminate_backend(integer, bigint) FROM PUBLIC;
CREATE SCHEMA bmu AUTHORIZATION bmu_owner;
SET ROLE bmu_owner;
SET search_path TO bmu;

-- A range over text lets one exclusion constraint say "same text" without any extension.
CREATE TYPE textrange AS RANGE (subtype = text, collation = "C");

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: the table is append-only', tg_op, tg_table_name
        USING ERRCODE = '42501';
END $$;

----------------------------------------------------------------------------------------------- parties

CREATE TABLE company (
    id smallint PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    name text NOT NULL CHECK (name <> ''),
    currency char(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    time_zone text NOT NULL,
    -- Usage of an ended service that comes more days after its end waits for a person; null: it is always rated.
    late_usage_days smallint CHECK (late_usage_days BETWEEN 0 AND 365),
    country char(2) NOT NULL CHECK (country ~ '^[A-Z]{2}$')
);

-- A version of the reference data (tariff and owners of UIDs). A row of a versioned table is in force at
-- revision r when since <= r and (until is null or until > r); rows are never changed, only ended. A charge
-- names its revision, so that it can be computed again at any time.
CREATE TABLE revision (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT transaction_timestamp(),
    actor text NOT NULL,
    note text NOT NULL
);

CREATE TABLE account (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    number text NOT NULL UNIQUE CHECK (number ~ '^[A-Z0-9-]{1,32}$'),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    parent_id bigint REFERENCES account CHECK (parent_id <> id),
    currency char(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    country char(2) NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
    time_zone text NOT NULL,
    bill_day smallint NOT NULL DEFAULT 1 CHECK (bill_day BETWEEN 1 AND 28),
    created_at timestamptz NOT NULL DEFAULT transaction_timestamp(),
    UNIQUE (id, currency)
);
CREATE INDEX account_parent ON account (parent_id) WHERE parent_id IS NOT NULL;

--------------------------------------------------------------------------------------------- catalogue
-- Rows of the catalogue name each other by code; an id is one version of a row and is what evidence keeps.

CREATE TABLE usage_class (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL, name text NOT NULL,
    unit text NOT NULL CHECK (unit IN ('TIME', 'DATA', 'COUNT')),
    rater text NOT NULL CHECK (rater IN ('GEOTREE', 'CLASS')),
    side text NOT NULL DEFAULT 'DESTINATION' CHECK (side IN ('DESTINATION', 'ORIGIN')),
    split boolean NOT NULL DEFAULT false,                         -- where its price changes; else by its start
    category text,                                                -- for taxes
    since bigint NOT NULL REFERENCES revision, until bigint REFERENCES revision, CHECK (until > since)
);
CREATE TABLE location (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL, name text NOT NULL, parent text, kind text,
    since bigint NOT NULL REFERENCES revision, until bigint REFERENCES revision, CHECK (until > since)
);
CREATE TABLE location_pattern (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- What a number begins with, or a network.
    code text NOT NULL CHECK (code ~ '^[0-9]{1,15}$' OR code ~ '^[0-9a-f.:]{2,39}(/[0-9]{1,3})?$'),
    location text NOT NULL,
    valid daterange NOT NULL DEFAULT '(,)',                       -- days in the company's time zone
    since bigint NOT NULL REFERENCES revision, until bigint REFERENCES revision, CHECK (until > since)
);
CREATE TABLE location_group (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL, name text NOT NULL, locations text[] NOT NULL,
    since bigint NOT NULL REFERENCES revision, until bigint REFERENCES revision, CHECK (until > since)
);
CREATE TABLE holiday_calendar (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL, name text NOT NULL, days date[] NOT NULL,
    since bigint NOT NULL REFERENCES revision, until bigint REFERENCES revision, CHECK (until > since)
);
CREATE TABLE time_period (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL, name text NOT NULL, zone text NOT NULL, windows text[] NOT NULL,
    dates text[] NOT NULL DEFAULT '{}',                           -- none: any day
    calendar text,
    since bigint NOT NULL REFERENCES revision, until bigint REFERENCES revision, CHECK (until > since)
);
CREATE TABLE rounding (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL,
    minimum bigint NOT NULL CHECK (minimum >= 0),
    increment bigint NOT NULL CHECK (increment > 0),
    since bigint NOT NULL REFERENCES revision, until bigint REFERENCES revision, CHECK (until > since)
);
CREATE TABLE rate_plan (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL, name text NOT NULL,
    currency char(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    places smallint CHECK (places BETWEEN 0 AND 11),              -- null: the company's
    rounding_mode text CHECK (rounding_mode IN ('HALF_UP', 'UP', 'DOWN', 'HALF_EVEN')),
    rate_groups text[] NOT NULL,                                  -- codes, in the order they are tried
    fallback_plan text,                                           -- tried where this one has no rate
    since bigint NOT NULL REFERENCES revision, until bigint REFERENCES revision, CHECK (until > since)
);
CREATE TABLE rate_group (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL, name text NOT NULL,
    time_period text,                                             -- null: always
    valid daterange NOT NULL,                                     -- days in the company's time zone
    currency char(3) CHECK (currency ~ '^[A-Z]{3}$'),             -- null: the plan's
    conditions jsonb NOT NULL DEFAULT '[]',
    for_cost boolean NOT NULL DEFAULT false,
    aggregate boolean NOT NULL DEFAULT false,
    pass_through boolean NOT NULL DEFAULT false,
    places smallint CHECK (places BETWEEN 0 AND 11),              -- null: the plan's
    rounding_mode text CHECK (rounding_mode IN ('HALF_UP', 'UP', 'DOWN', 'HALF_EVEN')),
    since bigint NOT NULL REFERENCES revision, until bigint REFERENCES revision, CHECK (until > since)
);
CREATE TABLE rate (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL,                                           -- group/class/location, its identity
    rate_group text NOT NULL, usage_class text NOT NULL, location text, location_group text, rounding text,
    kind text NOT NULL CHECK (
        kind IN ('STANDARD', 'FIXED', 'MARKUP', 'FIXED_MARKUP', 'RATED_MARKUP', 'PASS_THROUGH')
    ),
    price_e11 bigint NOT NULL CHECK (price_e11 >= 0),             -- per `per` base units; FIXED: per event
    per bigint NOT NULL CHECK (per > 0),
    connect_e11 bigint NOT NULL DEFAULT 0 CHECK (connect_e11 >= 0),
    minimum_charge_e11 bigint NOT NULL DEFAULT 0 CHECK (minimum_charge_e11 >= 0),
    maximum_charge_e11 bigint CHECK (maximum_charge_e11 >= 0),
    free bigint NOT NULL DEFAULT 0 CHECK (free >= 0),             -- base units of each event that cost nothing
    steps jsonb NOT NULL DEFAULT '[]',                            -- other prices within one event
    aggregation text CHECK (aggregation IN ('GRADUATED', 'VOLUME', 'PACKAGE', 'STAIRSTEP', 'FLAT_AND_UNIT',
        'PERCENTAGE', 'HIGH_WATERMARK', 'PERCENTILE_95', 'COUNTED')),
    tiers jsonb NOT NULL DEFAULT '[]',                            -- of a period's usage
    aggregate_scope text NOT NULL DEFAULT 'SERVICE' CHECK (aggregate_scope IN ('SERVICE', 'ACCOUNT', 'INVOICER')),
    valid daterange NOT NULL DEFAULT '(,)',                       -- days in the company's time zone
    CHECK (num_nonnulls(location, location_group) <= 1),
    since bigint NOT NULL REFERENCES revision, until bigint REFERENCES revision, CHECK (until > since)
);
CREATE TABLE bucket_type (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL, name text NOT NULL,
    unit text NOT NULL CHECK (unit IN ('TIME', 'DATA', 'COUNT')),
    kind text NOT NULL DEFAULT 'USAGE' CHECK (kind IN ('USAGE', 'MONEY')),
    scope text NOT NULL DEFAULT 'SERVICE' CHECK (scope IN ('SERVICE', 'ACCOUNT', 'TREE', 'SHARE_PLAN')),
    quantity bigint NOT NULL CHECK (quantity > 0),                -- of money, 10^-11 of the account's currency
    flat_e11 bigint NOT NULL DEFAULT 0 CHECK (flat_e11 >= 0),     -- charged at the first unit
    tiers jsonb NOT NULL DEFAULT '[]',                            -- those after the first
    repeat_last boolean NOT NULL DEFAULT false,
    recurrence text NOT NULL CHECK (recurrence IN ('NEVER', 'DAY', 'WEEK', 'MONTH', 'YEAR')),
    every integer NOT NULL DEFAULT 1 CHECK (every > 0),           -- so many of them are one period
    prorated boolean NOT NULL DEFAULT false,
    on_first_use boolean NOT NULL DEFAULT false,
    expires_after integer CHECK (expires_after > 0),
    expires_unit text CHECK (expires_unit IN ('NEVER', 'DAY', 'WEEK', 'MONTH', 'YEAR')),
    rollover boolean NOT NULL DEFAULT false,
    rollover_max bigint CHECK (rollover_max > 0),
    rollover_periods integer CHECK (rollover_periods > 0),
    size_by text, size_per bigint CHECK (size_per > 0),           -- a class whose quantity makes the size
    usage_classes text[] NOT NULL,
    locations text[],                                             -- with descendants; null: everywhere
    exclusions jsonb NOT NULL DEFAULT '[]',
    time_period text,                                             -- null: always
    overage_plan text,
    thresholds integer[] NOT NULL DEFAULT '{}',                   -- per cent
    since bigint NOT NULL REFERENCES revision, until bigint REFERENCES revision, CHECK (until > since)
);
CREATE TABLE share_plan (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL, name text NOT NULL,
    level text NOT NULL,
    rank integer NOT NULL,                                        -- the lower is drawn from first
    bucket_types text[] NOT NULL,
    participants jsonb NOT NULL,
    since bigint NOT NULL REFERENCES revision, until bigint REFERENCES revision, CHECK (until > since)
);
CREATE TABLE reclass (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL, name text NOT NULL, rules jsonb NOT NULL,
    since bigint NOT NULL REFERENCES revision, until bigint REFERENCES revision, CHECK (until > since)
);
CREATE TABLE tax (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL, name text NOT NULL,
    rate_ppm integer NOT NULL CHECK (rate_ppm BETWEEN 0 AND 1000000),  -- parts per million: 20 % is 200000
    valid daterange NOT NULL,                                     -- days in the account's time zone
    compound boolean NOT NULL DEFAULT false,                      -- on the taxes before it, too
    since bigint NOT NULL REFERENCES revision, until bigint REFERENCES revision, CHECK (until > since)
);
CREATE TABLE tax_code (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL, name text NOT NULL,
    taxes text[] NOT NULL,                                        -- codes, in their order
    account_category text, service_category text, country text, state text,  -- null: any
    of_event boolean NOT NULL DEFAULT false,                      -- the place is the event's, not the account's
    "default" boolean NOT NULL DEFAULT false,
    inclusive boolean NOT NULL DEFAULT false,                     -- prices hold the taxes
    since bigint NOT NULL REFERENCES revision, until bigint REFERENCES revision, CHECK (until > since)
);
CREATE TABLE price_plan (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL, name text NOT NULL, rate_plan text,
    since bigint NOT NULL REFERENCES revision, until bigint REFERENCES revision, CHECK (until > since)
);
CREATE TABLE package (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL, name text NOT NULL,
    price_minor bigint NOT NULL CHECK (price_minor >= 0),         -- per period of its frequency
    currency char(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    frequency text NOT NULL CHECK (frequency IN ('NEVER', 'DAY', 'WEEK', 'MONTH', 'YEAR')),
    rate_plan text, frequency_rate_plan text,
    tax text,                                                     -- null: by the tax code that fits best
    tax_category text,
    bucket_types text[] NOT NULL,
    reclass text,
    uids integer CHECK (uids >= 0),                               -- so many distinct usage identifiers a service has; null: any number
    since bigint NOT NULL REFERENCES revision, until bigint REFERENCES revision, CHECK (until > since)
);
-- What the company rates by where nothing nearer says it; the one row in force has no other.
CREATE TABLE company_terms (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rate_plan text,
    places smallint CHECK (places BETWEEN 0 AND 11),              -- null: 11
    rounding_mode text CHECK (rounding_mode IN ('HALF_UP', 'UP', 'DOWN', 'HALF_EVEN')),
    since bigint NOT NULL REFERENCES revision, until bigint REFERENCES revision, CHECK (until > since)
);
CREATE UNIQUE INDEX company_terms_live ON company_terms ((true)) WHERE until IS NULL;

-- One row of a code is in force at a time (of a pattern, a rate, a tax: one of a code and first day); no row changes
-- but by being ended, once.
CREATE FUNCTION only_end() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF tg_op <> 'UPDATE' OR old.until IS NOT NULL OR new.until IS NULL
        OR to_jsonb(new) - 'until' <> to_jsonb(old) - 'until' THEN
        RAISE EXCEPTION '% on % is refused: a version is only ended, once', tg_op, tg_table_name
            USING ERRCODE = '42501';
    END IF;
    RETURN new;
END $$;
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['usage_class', 'location', 'location_group', 'holiday_calendar', 'time_period',
        'rounding', 'rate_plan', 'rate_group', 'bucket_type', 'share_plan', 'reclass', 'tax_code', 'price_plan',
        'package'] LOOP
        EXECUTE format('CREATE UNIQUE INDEX %I ON %I (code) WHERE until IS NULL', name || '_live', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['location_pattern', 'rate', 'tax'] LOOP
        EXECUTE format(
            'CREATE UNIQUE INDEX %I ON %I (code, lower(valid)) NULLS NOT DISTINCT WHERE until IS NULL',
            name || '_live', name
        );
    END LOOP;
    FOREACH name IN ARRAY ARRAY['usage_class', 'location', 'location_pattern', 'location_group', 'holiday_calendar',
        'time_period', 'rounding', 'rate_plan', 'rate_group', 'rate', 'bucket_type', 'share_plan', 'reclass', 'tax',
        'tax_code', 'price_plan', 'package', 'company_terms'] LOOP
        EXECUTE format(
            'CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION only_end()',
            name || '_versions', name
        );
    END LOOP;
END $$;

---------------------------------------------------------------------------------- services and owners

CREATE TABLE account_service (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES account,
    package text NOT NULL,
    during tstzrange NOT NULL CHECK (NOT isempty(during) AND NOT lower_inf(during)),
    UNIQUE (account_id, id)
);

-- What of an account or a service decides prices beyond what every account has, where there is such. Versions, as in
-- the catalogue: all workers of a file rate by the same.
CREATE TABLE account_terms (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES account,
    category text, state text,                                    -- for taxes and conditions
    rate_plan text,
    inherits_plan boolean NOT NULL DEFAULT false,                 -- without one of its own, that of the nearest above
    usage_invoicer_id bigint REFERENCES account CHECK (usage_invoicer_id <> account_id),  -- who pays its usage; null: itself
    attributes jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(attributes) = 'object'),
    exemptions jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(exemptions) = 'array'),    -- taxes it does not owe
    since bigint NOT NULL REFERENCES revision, until bigint REFERENCES revision, CHECK (until > since)
);
CREATE UNIQUE INDEX account_terms_live ON account_terms (account_id) WHERE until IS NULL;
CREATE INDEX account_terms_account ON account_terms (account_id);
CREATE INDEX account_terms_payer ON account_terms (usage_invoicer_id) WHERE until IS NULL;
CREATE TABLE service_terms (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id bigint NOT NULL,
    account_service_id bigint NOT NULL,
    rate_plan text,
    price_plan text,
    attributes jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(attributes) = 'object'),
    since bigint NOT NULL REFERENCES revision, until bigint REFERENCES revision, CHECK (until > since),
    FOREIGN KEY (account_id, account_service_id) REFERENCES account_service (account_id, id)
);
CREATE UNIQUE INDEX service_terms_live ON service_terms (account_service_id) WHERE until IS NULL;
CREATE INDEX service_terms_account ON service_terms (account_id);
CREATE TRIGGER account_terms_versions BEFORE UPDATE OR DELETE ON account_terms
    FOR EACH ROW EXECUTE FUNCTION only_end();
CREATE TRIGGER service_terms_versions BEFORE UPDATE OR DELETE ON service_terms
    FOR EACH ROW EXECUTE FUNCTION only_end();

-- A share plan as one account has it, whose days its periods go by; and which accounts take part in it when.
CREATE TABLE share (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES account,
    share_plan text NOT NULL,
    from_at timestamptz NOT NULL,
    since bigint NOT NULL REFERENCES revision,
    UNIQUE (account_id, id)
);
CREATE TABLE share_member (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    share_id bigint NOT NULL REFERENCES share,
    account_id bigint NOT NULL REFERENCES account,
    during tstzrange NOT NULL CHECK (NOT isempty(during) AND NOT lower_inf(during)),
    contribution bigint CHECK (contribution >= 0),                -- of the account, in place of what its services bring; null: that
    since bigint NOT NULL REFERENCES revision, until bigint REFERENCES revision, CHECK (until > since),
    CONSTRAINT share_member_once EXCLUDE USING gist (
        int8range(share_id, share_id, '[]') WITH &&, int8range(account_id, account_id, '[]') WITH &&, during WITH &&
    ) WHERE (until IS NULL)
);
CREATE INDEX share_member_account ON share_member (account_id);
CREATE TRIGGER share_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON share
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER share_member_versions BEFORE UPDATE OR DELETE ON share_member
    FOR EACH ROW EXECUTE FUNCTION only_end();
-- What was brought to the buckets of a type of a share plan in one period, and what was drawn of them against a limit: by
-- a service, or by an account whose contribution is not its services'.
CREATE TABLE participation (
    share_id bigint NOT NULL REFERENCES share,
    code text NOT NULL,
    from_at timestamptz NOT NULL,                                 -- of the period
    account_id bigint NOT NULL REFERENCES account,
    account_service_id bigint NOT NULL DEFAULT 0,                 -- 0: the account
    brought bigint CHECK (brought >= 0),                          -- once a period; null: nothing was asked of it yet
    drawn bigint NOT NULL DEFAULT 0 CHECK (drawn >= 0),
    PRIMARY KEY (share_id, code, from_at, account_id, account_service_id)
);

-- Who owned a usage identifier when. Among the rows in force no two owners of one UID overlap in time.
CREATE TABLE uid_history (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    uid_type text NOT NULL CHECK (uid_type ~ '^[a-z0-9_]{1,32}$'),
    value text NOT NULL CHECK (length(value) BETWEEN 1 AND 128),
    account_id bigint NOT NULL,
    account_service_id bigint NOT NULL,
    during tstzrange NOT NULL CHECK (NOT isempty(during) AND NOT lower_inf(during)),
    since bigint NOT NULL REFERENCES revision, until bigint REFERENCES revision, CHECK (until > since),
    FOREIGN KEY (account_id, account_service_id) REFERENCES account_service (account_id, id),
    CONSTRAINT uid_one_owner EXCLUDE USING gist (
        textrange(uid_type || ':' || value, uid_type || ':' || value, '[]') WITH &&, during WITH &&
    ) WHERE (until IS NULL)
);
CREATE INDEX uid_history_account ON uid_history (account_id);
CREATE INDEX uid_history_value ON uid_history (value);
-- What changed between two revisions is looked up at each of them.
CREATE INDEX uid_history_since ON uid_history (since);
CREATE INDEX uid_history_until ON uid_history (until) WHERE until IS NOT NULL;
CREATE TRIGGER account_service_stays BEFORE DELETE OR TRUNCATE ON account_service
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER uid_history_versions BEFORE UPDATE OR DELETE ON uid_history
    FOR EACH ROW EXECUTE FUNCTION only_end();

---------------------------------------------------------------------------- sources, files, verdicts

-- How records are read, as staff loaded it: each change is a version of its own, and files name the one they are read by.
CREATE TABLE profile (
    code text NOT NULL CHECK (code ~ '^[a-z0-9][a-z0-9_.-]{0,62}$'),
    version integer NOT NULL CHECK (version >= 1),
    document text NOT NULL,
    at timestamptz NOT NULL DEFAULT transaction_timestamp(),
    actor text NOT NULL,
    PRIMARY KEY (code, version)
);

CREATE TABLE source (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL UNIQUE CHECK (code ~ '^[a-z0-9][a-z0-9_-]{0,31}$'),
    name text NOT NULL,
    profile text NOT NULL,
    time_zone text NOT NULL,                                      -- of timestamps that carry none
    country_code text NOT NULL CHECK (country_code ~ '^[0-9]{1,3}$'),
    trunk_prefix text NOT NULL CHECK (trunk_prefix ~ '^[0-9]{0,4}$'),
    international_prefix text NOT NULL CHECK (international_prefix ~ '^[0-9]{1,5}$'),
    routing_prefixes text NOT NULL DEFAULT ''                     -- before called numbers, of number portability: 1400,Dxxx=0
        CHECK (routing_prefixes ~ '^([0-9A-Fx+=]+(,[0-9A-Fx+=]+)*)?$'),
    extras text NOT NULL DEFAULT ''                               -- fields of its records that are kept: trunk=userfield,cost=accountcode
        CHECK (extras ~ '^([a-z0-9_]+=[A-Za-z0-9_-]+(,[a-z0-9_]+=[A-Za-z0-9_-]+)*)?$'),
    -- When a file that it writes is whole: once renamed, once left alone, or once a file beside it says so.
    completion text NOT NULL DEFAULT 'RENAME' CHECK (completion IN ('RENAME', 'QUIET', 'MANIFEST', 'TRAILER')),
    quiet_seconds integer NOT NULL DEFAULT 60 CHECK (quiet_seconds BETWEEN 1 AND 86400),
    -- What it may tell of, and how much; null, or nothing: no limit.
    octets_max bigint CHECK (octets_max > 0),                     -- of a file; one beyond it is held
    lines_a_day_max bigint CHECK (lines_a_day_max > 0),           -- a day (UTC); a file with which they are more is held
    days_back integer CHECK (days_back >= 0), minutes_ahead integer CHECK (minutes_ahead BETWEEN 0 AND 60),
    uid_types text NOT NULL DEFAULT '' CHECK (uid_types ~ '^([a-z0-9_]{1,32}(,[a-z0-9_]{1,32})*)?$'),
    services text NOT NULL DEFAULT '',                            -- codes of packages
    -- What is missed of it: numbers in the names of its files, and a word from it now and then.
    sequence_pattern text NOT NULL DEFAULT '',                    -- finds the number; nothing: there is none
    sequence_first bigint CHECK (sequence_first >= 0), sequence_last bigint CHECK (sequence_last > sequence_first),
    late_minutes integer NOT NULL DEFAULT 60 CHECK (late_minutes BETWEEN 0 AND 525600),
    silent_minutes integer CHECK (silent_minutes > 0),
    CHECK (num_nulls(sequence_first, sequence_last) IN (0, 2))
);

-- What a source shows so that it may hand in usage as itself: the public half of an SSH key, or the id of a secret that is
-- derived from it outside the database.
CREATE TABLE source_key (
    id text PRIMARY KEY CHECK (id ~ '^[0-9a-f]{16}$'),
    source_id integer NOT NULL REFERENCES source,
    kind text NOT NULL CHECK (kind IN ('SSH', 'HMAC')),
    note text NOT NULL CHECK (length(note) <= 100),
    fingerprint text CHECK (fingerprint ~ '^SHA256:[A-Za-z0-9+/]{43}$'),
    public_key text CHECK (public_key ~ '^[a-z0-9-]+ [A-Za-z0-9+/=]+$'),
    created_at timestamptz NOT NULL DEFAULT transaction_timestamp(),
    created_by text NOT NULL,
    revoked_at timestamptz,                                       -- null: it is good
    CHECK (num_nulls(fingerprint, public_key) = CASE kind WHEN 'SSH' THEN 0 ELSE 2 END)
);
CREATE UNIQUE INDEX source_key_good ON source_key (source_id, fingerprint) WHERE revoked_at IS NULL;
-- A key that was taken back stays so, and none is another's.
CREATE TRIGGER source_key_revoked BEFORE UPDATE ON source_key FOR EACH ROW
    WHEN (old.revoked_at IS NOT NULL OR new.revoked_at IS NULL) EXECUTE FUNCTION refuse_change();
CREATE TRIGGER source_key_stays BEFORE DELETE OR TRUNCATE ON source_key
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The same octets of a source are one file, whatever its name, unless staff have them replayed. A file is done only
-- when each of its lines, counted on arrival, has ended as exactly one of the four.
CREATE TABLE usage_file (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source_id integer NOT NULL REFERENCES source,
    sha256 bytea NOT NULL CHECK (length(sha256) = 32),            -- of the octets as they came
    replay integer NOT NULL DEFAULT 0 CHECK (replay >= 0),        -- 0: as it came; else the n-th time that staff had it taken anew
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
    octets bigint NOT NULL CHECK (octets >= 0),
    -- Of the lines that were made of it on arrival, by its profile; null: its lines are read as they came.
    decoded_octets bigint CHECK (decoded_octets >= 0),
    lines bigint NOT NULL CHECK (lines >= 0),
    parts smallint NOT NULL CHECK (parts BETWEEN 1 AND 64),
    revision bigint NOT NULL REFERENCES revision,
    -- How its records are read: the source's settings on arrival, so that all workers read each line alike.
    profile text NOT NULL,
    profile_version integer NOT NULL DEFAULT 0 CHECK (profile_version >= 0),  -- 0: it came with the program
    -- PARTIAL: its lines are partial records, each taken into its session. ASSEMBLED: we wrote it of sessions of the source.
    assembly text NOT NULL DEFAULT 'NONE' CHECK (assembly IN ('NONE', 'PARTIAL', 'ASSEMBLED')),
    header bytea,                                                 -- the line that names its columns
    time_zone text NOT NULL,
    country_code text NOT NULL,
    trunk_prefix text NOT NULL,
    international_prefix text NOT NULL,
    routing_prefixes text NOT NULL DEFAULT '',
    extras text NOT NULL DEFAULT '',
    received_at timestamptz NOT NULL DEFAULT transaction_timestamp(),
    -- ARRIVING: its octets are kept, but not made ready to be worked. HELD: it waits until staff let it go on.
    state text NOT NULL DEFAULT 'OPEN' CHECK (state IN ('ARRIVING', 'OPEN', 'HELD', 'DONE')),
    held text CHECK ((state = 'HELD') = (held IS NOT NULL)),      -- why
    dismissed text CHECK (state <> 'HELD' OR dismissed IS NULL),  -- why staff had it held no more, but done without a line
    released boolean NOT NULL DEFAULT false,                      -- staff let it go on, so totals and limits hold it no more
    done_at timestamptz,
    new bigint, duplicate bigint, suspended bigint, rejected bigint,
    stream_day date,                                              -- null: a file; else what the source asked in real time that day
    UNIQUE (source_id, sha256, replay),
    UNIQUE (source_id, stream_day),
    CHECK (least(new, duplicate, suspended, rejected) >= 0),
    CHECK (stream_day IS NULL OR (octets = 0 AND parts = 1)),
    CONSTRAINT every_line_has_a_verdict CHECK (
        CASE state WHEN 'DONE' THEN
            done_at IS NOT NULL AND new IS NOT NULL AND duplicate IS NOT NULL AND suspended IS NOT NULL
            AND rejected IS NOT NULL AND lines = new + duplicate + suspended + rejected
        ELSE
            done_at IS NULL AND new IS NULL AND duplicate IS NULL AND suspended IS NULL AND rejected IS NULL
        END
    )
);
CREATE INDEX usage_file_open ON usage_file (id) WHERE state <> 'DONE';
CREATE INDEX usage_file_done ON usage_file (done_at);
-- A file's lines were counted on arrival; only those of a stream come one by one, and are counted when its day is over.
CREATE TRIGGER usage_file_lines_stay BEFORE UPDATE OF lines ON usage_file FOR EACH ROW
    WHEN (old.lines <> new.lines AND old.stream_day IS NULL AND old.state <> 'ARRIVING') EXECUTE FUNCTION refuse_change();
-- So is how they are read.
CREATE TRIGGER usage_file_settings_stay BEFORE UPDATE OF parts, revision, profile, profile_version, assembly, header, time_zone,
    country_code, trunk_prefix, international_prefix, routing_prefixes, extras, decoded_octets ON usage_file FOR EACH ROW
    WHEN (old.state <> 'ARRIVING') EXECUTE FUNCTION refuse_change();

-- Batches that a source sent by HTTP: under its key (the same key never stands for another body), what was made of it, and what
-- it is asked for by. Claimed before the file is kept, which is found by its octets.
CREATE TABLE source_batch (
    tracking text PRIMARY KEY CHECK (tracking ~ '^[0-9a-f]{32}$'),
    source_id integer NOT NULL REFERENCES source,
    key text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    body_sha256 bytea NOT NULL CHECK (length(body_sha256) = 32),
    sha256 bytea NOT NULL CHECK (length(sha256) = 32),            -- of the file
    rows integer NOT NULL CHECK (rows >= 1),
    at timestamptz NOT NULL DEFAULT transaction_timestamp(),
    UNIQUE (source_id, key)
);

-- Files whose original the spool has no more, since it was kept for as long as was wanted; until it is handed in again.
CREATE TABLE original_dropped (
    file_id bigint PRIMARY KEY REFERENCES usage_file,
    at timestamptz NOT NULL DEFAULT transaction_timestamp()
);

-- Files that are not taken yet, and why, as the intake worker saw it last; those of names that it can't store, escaped.
CREATE TABLE file_waiting (
    source_id integer NOT NULL REFERENCES source,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
    reason text NOT NULL,
    since timestamptz NOT NULL DEFAULT transaction_timestamp(),
    PRIMARY KEY (source_id, name)
);

-- A file is worked in parts, each with the accounts of one remainder (account id modulo parts), so that
-- several workers share a file and yet each account's usage is rated in order. A part moves by chunks.
CREATE TABLE usage_file_part (
    file_id bigint NOT NULL REFERENCES usage_file,
    part smallint NOT NULL CHECK (part >= 0),
    -- STREAM: of events that are rated one by one as they come, so nobody's to work. SESSION: of partial records, so not
    -- to be rated; the intake worker takes them into their sessions.
    state text NOT NULL DEFAULT 'OPEN' CHECK (state IN ('OPEN', 'DONE', 'BLOCKED', 'STREAM', 'SESSION')),
    blocked text CHECK ((state = 'BLOCKED') = (blocked IS NOT NULL)),  -- why, until a person has acted
    next_line bigint NOT NULL DEFAULT 1 CHECK (next_line >= 1),   -- first line not yet looked at
    next_octet bigint NOT NULL DEFAULT 0 CHECK (next_octet >= 0), -- where that line starts
    oldest_day date,                                              -- no charge of it is older: what a bill run looks back to
    began_at timestamptz, moved_at timestamptz,                   -- when its first chunk was begun, and its last one done
    new bigint NOT NULL DEFAULT 0 CHECK (new >= 0),
    duplicate bigint NOT NULL DEFAULT 0 CHECK (duplicate >= 0),
    suspended bigint NOT NULL DEFAULT 0 CHECK (suspended >= 0),
    rejected bigint NOT NULL DEFAULT 0 CHECK (rejected >= 0),
    PRIMARY KEY (file_id, part)
);

-- What staff may do to a file: let its blocked parts be tried again, hold it, let it go on, have it taken in anew.
CREATE FUNCTION file_unblock(wanted bigint) RETURNS bigint LANGUAGE sql SECURITY DEFINER
    SET search_path = bmu, pg_temp AS $$
    WITH freed AS (
        UPDATE usage_file_part AS p SET blocked = NULL,
            state = CASE f.assembly WHEN 'PARTIAL' THEN 'SESSION' ELSE 'OPEN' END
        FROM usage_file AS f
        WHERE p.file_id = wanted AND p.state = 'BLOCKED' AND f.id = p.file_id RETURNING 1
    ) SELECT count(*) FROM freed
$$;
CREATE FUNCTION file_hold(wanted bigint, why text) RETURNS bigint LANGUAGE sql SECURITY DEFINER
    SET search_path = bmu, pg_temp AS $$
    WITH found AS (
        UPDATE usage_file SET state = 'HELD', held = why
        WHERE id = wanted AND state = 'OPEN' AND stream_day IS NULL RETURNING 1
    ) SELECT count(*) FROM found
$$;
-- One that was held before it was made ready arrives anew.
CREATE FUNCTION file_release(wanted bigint) RETURNS bigint LANGUAGE sql SECURITY DEFINER
    SET search_path = bmu, pg_temp AS $$
    WITH found AS (
        UPDATE usage_file SET held = NULL, released = true, state = CASE
            WHEN EXISTS (SELECT FROM usage_file_part WHERE file_id = wanted) THEN 'OPEN' ELSE 'ARRIVING' END
        WHERE id = wanted AND state = 'HELD' RETURNING 1
    ) SELECT count(*) FROM found
$$;
-- One that was never worked, which then has no line.
CREATE FUNCTION file_dismiss(wanted bigint, why text) RETURNS bigint LANGUAGE sql SECURITY DEFINER
    SET search_path = bmu, pg_temp AS $$
    WITH found AS (
        UPDATE usage_file SET held = NULL, dismissed = why, state = 'ARRIVING'
        WHERE id = wanted AND state = 'HELD' AND NOT EXISTS (SELECT FROM usage_file_part WHERE file_id = wanted)
        RETURNING 1
    ) SELECT count(*) FROM found
$$;
-- Null: it is not done, or is taken in anew already, or its original is gone, or it never had one.
CREATE FUNCTION file_replay(wanted bigint) RETURNS bigint LANGUAGE sql SECURITY DEFINER
    SET search_path = bmu, pg_temp AS $$
    INSERT INTO usage_file (source_id, sha256, replay, name, octets, lines, parts, revision, profile, profile_version,
        assembly, time_zone, country_code, trunk_prefix, international_prefix, routing_prefixes, extras, state)
    SELECT source_id, sha256, (
            SELECT max(g.replay) + 1 FROM usage_file AS g WHERE g.source_id = f.source_id AND g.sha256 = f.sha256
        ), name, octets, 0, parts, revision, profile, profile_version,
        CASE assembly WHEN 'ASSEMBLED' THEN assembly ELSE 'NONE' END, time_zone, country_code, trunk_prefix, international_prefix, routing_prefixes, extras, 'ARRIVING'
    FROM usage_file AS f WHERE id = wanted AND stream_day IS NULL AND NOT EXISTS (
        SELECT FROM usage_file AS g WHERE g.source_id = f.source_id AND g.sha256 = f.sha256 AND g.state <> 'DONE'
    ) AND NOT EXISTS (SELECT FROM original_dropped WHERE file_id = wanted)
    ON CONFLICT DO NOTHING RETURNING id
$$;

-- Event keys are unique for ever: hash partitions, no time in the key. content tells a repeat from a conflict.
CREATE TABLE usage_key (
    event_key uuid PRIMARY KEY,
    content bigint NOT NULL,
    file_id bigint NOT NULL,
    line_no bigint NOT NULL
) PARTITION BY HASH (event_key);
DO $$
BEGIN
    FOR n IN 0..7 LOOP
        EXECUTE format(
            'CREATE TABLE usage_key_%s PARTITION OF usage_key FOR VALUES WITH (MODULUS 8, REMAINDER %s)', n, n
        );
    END LOOP;
END $$;

-- Lines that did not become a UDR; the line itself is kept, so that nothing is dropped. A suspended line may be
-- taken in again once its cause is mended; then resolved_at is set and its UDR names file and line. A line that was
-- charged, and lost its charge by rerating, waits here too: it names its UDR, and has no event key.
CREATE TABLE verdict (
    file_id bigint NOT NULL REFERENCES usage_file,
    line_no bigint NOT NULL CHECK (line_no >= 1),
    verdict text NOT NULL CHECK (verdict IN ('DUPLICATE', 'SUSPENDED', 'REJECTED')),
    reason text NOT NULL CHECK (reason ~ '^[A-Z_]{3,40}$'),
    detail text NOT NULL,
    line bytea NOT NULL,
    event_key uuid,
    at timestamptz NOT NULL,
    tried_at timestamptz CHECK (tried_at IS NULL OR verdict = 'SUSPENDED'),  -- when it was last taken in again, or tried to be
    resolved_at timestamptz CHECK (resolved_at IS NULL OR verdict = 'SUSPENDED'),
    account_id bigint, started_at timestamptz, udr_id bigint,
    PRIMARY KEY (file_id, line_no),
    CHECK (verdict = 'REJECTED' OR event_key IS NOT NULL OR udr_id IS NOT NULL),
    CHECK (num_nulls(account_id, started_at, udr_id) IN (0, 3) AND (udr_id IS NULL OR verdict = 'SUSPENDED'))
);
CREATE INDEX verdict_suspense ON verdict (reason, file_id) WHERE verdict = 'SUSPENDED' AND resolved_at IS NULL;

-- Sessions that are told of in pieces, and what they have come to. One process at a time works those of a source, in
-- the order in which records came. rows: records taken; told: those of them that an emission stands for.
CREATE SEQUENCE usage_session_id AS bigint;
CREATE TABLE usage_session (
    id bigint PRIMARY KEY,
    source_id integer NOT NULL REFERENCES source,
    session uuid NOT NULL,                                        -- what tells it from the source's others
    node uuid,                                                    -- its switch; null: the profile names none
    name text NOT NULL,
    profile text NOT NULL,                                        -- by which its last record was read
    profile_version integer NOT NULL CHECK (profile_version >= 0),
    state text NOT NULL CHECK (state IN ('OPEN', 'STOPPED', 'FINISHED')),
    rows bigint NOT NULL CHECK (rows >= 1),
    told bigint NOT NULL CHECK (told BETWEEN 0 AND rows),
    emissions integer NOT NULL CHECK (emissions >= 0),
    first_at timestamptz NOT NULL,                                -- when its first and its last record came
    last_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,                                  -- not before then is it ended, or forgotten
    close_why text CHECK (close_why IN ('NODE', 'CLOSED')),       -- it is to be ended: its switch began again, or staff say so
    detail jsonb NOT NULL,
    UNIQUE (source_id, session),
    CHECK (state <> 'FINISHED' OR told = rows)
) WITH (fillfactor = 60);
CREATE INDEX usage_session_due ON usage_session (due_at);
CREATE INDEX usage_session_node ON usage_session (source_id, node) WHERE state <> 'FINISHED';
CREATE INDEX usage_session_close ON usage_session (id) WHERE close_why IS NOT NULL;
-- One is forgotten only once all of its records are in usage, or accounted for.
CREATE FUNCTION session_is_told() RETURNS trigger LANGUAGE plpgsql SET search_path = bmu, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'session % has records that nothing stands for', old.id USING ERRCODE = '23514';
END $$;
CREATE TRIGGER usage_session_forgotten BEFORE DELETE ON usage_session FOR EACH ROW
    WHEN (old.state <> 'FINISHED' OR old.told <> old.rows) EXECUTE FUNCTION session_is_told();

-- Files made of sessions: which emissions go into one is written here before the file is, so that it is made alike
-- however often it has to be made. file_id: null until it is there, and where there is nothing to charge.
CREATE TABLE usage_batch (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source_id integer NOT NULL REFERENCES source,
    profile text NOT NULL,
    profile_version integer NOT NULL CHECK (profile_version >= 0),
    rows bigint NOT NULL CHECK (rows >= emissions),
    emissions bigint NOT NULL CHECK (emissions >= 1),
    lines bigint NOT NULL CHECK (lines BETWEEN 0 AND emissions),
    at timestamptz NOT NULL DEFAULT transaction_timestamp(),
    file_id bigint UNIQUE REFERENCES usage_file CHECK (file_id IS NULL OR lines > 0)
);
CREATE INDEX usage_batch_unwritten ON usage_batch (id) WHERE file_id IS NULL AND lines > 0;

-- What is made of sessions: usage as a line of such a file, or nothing, where records brought nothing new.
CREATE TABLE usage_emission (
    session_id bigint NOT NULL REFERENCES usage_session,
    number integer NOT NULL CHECK (number >= 1),
    source_id integer NOT NULL,
    profile text NOT NULL,
    profile_version integer NOT NULL,
    why text NOT NULL CHECK (why IN ('STOPPED', 'INTERIM', 'CUT', 'LATE', 'TIMED_OUT', 'NODE', 'CLOSED')),
    rows bigint NOT NULL CHECK (rows >= 1),
    line bytea,
    at timestamptz NOT NULL,
    batch_id bigint REFERENCES usage_batch,
    PRIMARY KEY (session_id, number)
);
CREATE INDEX usage_emission_waiting ON usage_emission (source_id, profile, profile_version) WHERE batch_id IS NULL;
CREATE INDEX usage_emission_batch ON usage_emission (batch_id) WHERE batch_id IS NOT NULL;
CREATE TRIGGER usage_emission_stays BEFORE UPDATE ON usage_emission FOR EACH ROW
    WHEN (old.batch_id IS NOT NULL) EXECUTE FUNCTION refuse_change();
-- It goes with its session, once its file is there.
CREATE FUNCTION emission_is_written() RETURNS trigger LANGUAGE plpgsql SET search_path = bmu, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM usage_batch WHERE id = old.batch_id AND (file_id IS NOT NULL OR lines = 0)) THEN
        RAISE EXCEPTION 'emission % of session % is in no file yet', old.number, old.session_id USING ERRCODE = '23514';
    END IF;
    RETURN old;
END $$;
CREATE TRIGGER usage_emission_forgotten BEFORE DELETE ON usage_emission FOR EACH ROW
    EXECUTE FUNCTION emission_is_written();
-- A batch says of its emissions how many they are and what they stand for; its file has their lines.
CREATE FUNCTION batch_adds_up() RETURNS trigger LANGUAGE plpgsql SET search_path = bmu, pg_temp AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM usage_emission WHERE batch_id = new.id
        HAVING (sum(rows), count(*), count(line)) = (new.rows, new.emissions, new.lines)
    ) THEN
        RAISE EXCEPTION 'batch % is not what its emissions are', new.id USING ERRCODE = '23514';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER usage_batch_sums AFTER INSERT ON usage_batch DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION batch_adds_up();
CREATE FUNCTION batch_is_filed() RETURNS trigger LANGUAGE plpgsql SET search_path = bmu, pg_temp AS $$
BEGIN
    IF old.file_id IS NOT NULL OR NOT EXISTS (
        SELECT FROM usage_file WHERE id = new.file_id AND assembly = 'ASSEMBLED' AND lines = old.lines
        AND source_id = old.source_id
    ) THEN
        RAISE EXCEPTION 'batch % has another file, or one that is not of its lines', new.id USING ERRCODE = '23514';
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER usage_batch_filed BEFORE UPDATE ON usage_batch FOR EACH ROW EXECUTE FUNCTION batch_is_filed();

-- Events that a source had rated in real time, each a line of the day's stream: as it was sent, and the first answer, which
-- whoever asks again gets. Its writer holds the lock of the stream's part, so no key is needed to say that there is one.
CREATE TABLE usage_event (
    file_id bigint NOT NULL,
    line_no bigint NOT NULL CHECK (line_no >= 1),
    line bytea NOT NULL,
    answer text NOT NULL,
    PRIMARY KEY (file_id, line_no)
);

-- How far the files of a source that is watched were looked at, and when it last said anything.
CREATE TABLE source_watch (
    source_id integer PRIMARY KEY REFERENCES source,
    since_file_id bigint NOT NULL DEFAULT 0,                      -- files up to this one are not counted
    last_file_id bigint NOT NULL DEFAULT 0,
    newest bigint,                                                -- the furthest number, counted on past the end of the range
    told bigint NOT NULL DEFAULT 0 CHECK (told >= 0),             -- events of its last two streams
    spoke_at timestamptz NOT NULL DEFAULT transaction_timestamp()
);
CREATE TABLE file_number (
    source_id integer NOT NULL REFERENCES source,
    number bigint NOT NULL,                                       -- counted on, as source_watch.newest
    file_id bigint NOT NULL REFERENCES usage_file,
    PRIMARY KEY (source_id, number, file_id)
);
-- What is amiss with a source: numbers that are missed, a number that two files have, silence. Each is raised once.
CREATE TABLE alarm (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('GAP', 'TWICE', 'SILENT', 'PULL')),
    source_id integer NOT NULL REFERENCES source,
    first_no bigint, last_no bigint CHECK (last_no >= first_no),
    file_id bigint REFERENCES usage_file,                         -- of TWICE, the first that repeats a number
    since timestamptz NOT NULL,                                   -- when it was first noticed, or silence began
    due_at timestamptz NOT NULL,                                  -- when it is to be raised, if it still is so
    raised_at timestamptz,
    cleared_at timestamptz,
    cleared_by text CHECK (cleared_by IS NULL OR cleared_at IS NOT NULL),  -- null: by itself
    CHECK (num_nulls(first_no, last_no) = CASE WHEN kind IN ('SILENT', 'PULL') THEN 2 ELSE 0 END),
    CHECK ((kind = 'TWICE') = (file_id IS NOT NULL))
);
CREATE INDEX alarm_open ON alarm (source_id, kind) WHERE cleared_at IS NULL;
CREATE UNIQUE INDEX alarm_silence ON alarm (source_id) WHERE kind = 'SILENT' AND cleared_at IS NULL;
CREATE UNIQUE INDEX alarm_pull ON alarm (source_id) WHERE kind = 'PULL' AND cleared_at IS NULL;

-- What was fetched from partners, in the version it had there: one that has not changed is fetched once. And how fetching goes.
CREATE TABLE pulled (
    pull text NOT NULL,                                           -- what the configuration calls it
    name text NOT NULL,
    source_id integer NOT NULL REFERENCES source,
    size bigint NOT NULL CHECK (size >= -1),                      -- -1: the partner does not say
    mtime bigint,                                                 -- as the partner says, seconds since 1970
    tag text NOT NULL,                                            -- what the partner calls this version
    sha256 bytea NOT NULL CHECK (length(sha256) = 32),
    fetched_at timestamptz NOT NULL DEFAULT transaction_timestamp(),
    PRIMARY KEY (pull, name)
);
CREATE TABLE pull_state (
    pull text PRIMARY KEY,
    source_id integer NOT NULL REFERENCES source,
    looked_at timestamptz NOT NULL,
    succeeded_at timestamptz,
    failing_since timestamptz,
    failures integer NOT NULL CHECK (failures >= 0),              -- in a row
    error text NOT NULL,
    CHECK ((failures > 0) = (failing_since IS NOT NULL) AND (failures > 0) = (error <> ''))
);

-- Suspended lines that somebody wants tried again: those that all of the filter names. It goes through them in their
-- order, and is done with those up to the last one noted.
CREATE TABLE suspense_job (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    actor text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT transaction_timestamp(),
    reason text, source text, file_id bigint, line_no bigint, uid text,
    since timestamptz, until timestamptz,                         -- when the line came into suspense
    account_id bigint,                                            -- whose charge it lost by rerating
    as_new boolean NOT NULL DEFAULT false,                        -- whoever has its event key, whenever it was
    state text NOT NULL DEFAULT 'OPEN' CHECK (state IN ('OPEN', 'DONE')),
    done_at timestamptz,
    last_file_id bigint NOT NULL DEFAULT 0, last_line_no bigint NOT NULL DEFAULT 0,
    tried bigint NOT NULL DEFAULT 0 CHECK (tried >= 0),
    resolved bigint NOT NULL DEFAULT 0 CHECK (resolved BETWEEN 0 AND tried),
    CONSTRAINT suspense_job_has_a_filter CHECK (
        num_nonnulls(reason, source, file_id, uid, since, until, account_id) > 0
    ),
    CHECK (line_no IS NULL OR file_id IS NOT NULL),
    CHECK (NOT as_new OR line_no IS NOT NULL),
    CHECK ((state = 'DONE') = (done_at IS NOT NULL))
);
CREATE INDEX suspense_job_open ON suspense_job (id) WHERE state = 'OPEN';

-- Accounts whose usage was charged, or charged anew, later than with its file: how far their next bill looks back.
CREATE TABLE rework (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id bigint NOT NULL,
    at timestamptz NOT NULL DEFAULT transaction_timestamp(),
    oldest timestamptz NOT NULL
);
CREATE INDEX rework_account ON rework (account_id, at);
-- One look for all rows of a statement, instead of a foreign key: accounts stay.
CREATE FUNCTION rework_is_founded() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = bmu, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM added AS a WHERE NOT EXISTS (SELECT FROM account AS o WHERE o.id = a.account_id)) THEN
        RAISE EXCEPTION 'usage of an account that does not exist' USING ERRCODE = '23503';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER rework_founded AFTER INSERT ON rework
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION rework_is_founded();

--------------------------------------------------------------------------------------- usage, charges

-- One value of the sequence is a block of 65536 ids, so that a batch takes its ids in one step.
CREATE SEQUENCE udr_block AS bigint MAXVALUE 140737488355327;

CREATE TABLE charge_reversal (
    account_id bigint NOT NULL,
    started_at timestamptz NOT NULL,
    udr_id bigint NOT NULL,
    version integer NOT NULL,
    reason text NOT NULL CHECK (btrim(reason) <> ''),
    at timestamptz NOT NULL DEFAULT transaction_timestamp(),
    PRIMARY KEY (account_id, started_at, udr_id, version)
) PARTITION BY RANGE (started_at);

-- A usage record (UDR) and what it costs are one row: its first charge, version 1, which says where it came from and
-- what it says. Version v+1 can exist only once version v is reversed: a UDR has at most one live charge. The
-- columns stand as their widths and nulls make a row quickest to write and to read.
CREATE TABLE charge (
    account_id bigint NOT NULL,
    started_at timestamptz NOT NULL,
    udr_id bigint NOT NULL,
    account_service_id bigint NOT NULL,
    rated_at timestamptz NOT NULL,
    revision bigint NOT NULL,
    quantity bigint NOT NULL CHECK (quantity >= 0),               -- as measured
    rounded bigint NOT NULL CHECK (rounded >= quantity),          -- after the rounding rule
    billable bigint NOT NULL CHECK (billable BETWEEN 0 AND rounded),  -- after buckets
    rated_e11 bigint NOT NULL,                                    -- price of the rounded quantity
    amount_e11 bigint NOT NULL,                                   -- price of the billable quantity, before tax
    tax_e11 bigint NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    usage_class_id integer NOT NULL,
    rate_plan_id integer NOT NULL,
    rate_group_id integer NOT NULL,
    rate_id integer NOT NULL,
    plan_level smallint NOT NULL CHECK (plan_level BETWEEN 1 AND 8),
    file_id bigint,                                               -- of the UDR: with uid_id, origin, destination null
    line_no bigint,                                               -- where another version tells of it
    uid_id bigint,
    location_pattern_id integer,                                  -- null: the class has no GeoTree
    tax_id integer,                                               -- the first of its taxes; null: there is none
    replaces integer,
    currency char(3) NOT NULL,
    origin text,
    destination text,
    extras jsonb,                                                 -- of the UDR: the company's own fields; null where there are none
    detail jsonb,                                                 -- what goes beyond all that; null in the plain case
    PRIMARY KEY (account_id, started_at, udr_id, version),
    CONSTRAINT charge_is_of_usage CHECK (CASE WHEN version = 1 THEN
        replaces IS NULL AND file_id IS NOT NULL AND line_no IS NOT NULL AND uid_id IS NOT NULL AND origin IS NOT NULL
        AND destination IS NOT NULL
    ELSE
        replaces IS NOT NULL AND replaces = version - 1 AND file_id IS NULL AND line_no IS NULL AND uid_id IS NULL
        AND origin IS NULL AND destination IS NULL AND extras IS NULL
    END)
) PARTITION BY RANGE (started_at);

-- Whoever reads it is judged by the rights and policies of charge.
CREATE VIEW udr WITH (security_invoker = true) AS
    SELECT account_id, started_at, udr_id AS id, file_id, line_no, account_service_id, uid_id, quantity, usage_class_id,
        origin, destination, extras
    FROM charge WHERE version = 1;

-- A later version of a charge is of a version that was reversed. Both tables only grow, so a look at the time of
-- the insert is as good as a foreign key, and costs half of one: it is made once for all rows of a statement. Each
-- look is a descent in the index of one day; the settings keep it so.
CREATE FUNCTION charge_is_founded() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = bmu, pg_temp SET enable_hashjoin = off SET enable_mergejoin = off
    SET enable_seqscan = off SET enable_bitmapscan = off AS $$
BEGIN
    IF EXISTS (SELECT FROM added AS a WHERE a.version > 1 AND NOT EXISTS (
        SELECT FROM charge_reversal AS r
        WHERE r.account_id = a.account_id AND r.started_at = a.started_at AND r.udr_id = a.udr_id
        AND r.version = a.replaces
    )) THEN
        RAISE EXCEPTION 'a charge replaces one that is not reversed' USING ERRCODE = '23503';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER charge_founded AFTER INSERT ON charge
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION charge_is_founded();
-- Likewise, a reversal is of a charge.
CREATE FUNCTION reversal_is_founded() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = bmu, pg_temp SET enable_hashjoin = off SET enable_mergejoin = off
    SET enable_seqscan = off SET enable_bitmapscan = off AS $$
BEGIN
    IF EXISTS (SELECT FROM added AS a WHERE NOT EXISTS (
        SELECT FROM charge AS c
        WHERE c.account_id = a.account_id AND c.started_at = a.started_at AND c.udr_id = a.udr_id
        AND c.version = a.version
    )) THEN
        RAISE EXCEPTION 'a reversal names a charge that does not exist' USING ERRCODE = '23503';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER reversal_founded AFTER INSERT ON charge_reversal
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION reversal_is_founded();

-- The same for rows that are written straight to the partition of their day, as intake does with whole batches
-- (a trigger of the whole table is not called for those). All is in the partitions of that day, which are named,
-- so that the planner can choose by their sizes and the batch's.
-- Whoever says what charges are reversed for (bmu.reversed_for) has those reversed that these replace: then there is
-- nothing to look for, and half as much to write.
CREATE FUNCTION charge_of_day_is_founded() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = bmu, pg_temp AS $$
DECLARE
    unfounded boolean;
    why text;
BEGIN
    -- Only rerating replaces charges; planning that look takes as long as all else of a single event's charge.
    IF NOT EXISTS (SELECT FROM added WHERE version > 1) THEN
        RETURN NULL;
    END IF;
    why := current_setting('bmu.reversed_for', true);
    IF why <> '' THEN
        EXECUTE format(
            'INSERT INTO %I (account_id, started_at, udr_id, version, reason)'
            ' SELECT account_id, started_at, udr_id, replaces, $1 FROM added WHERE version > 1',
            'charge_reversal_' || right(tg_table_name, 8)
        ) USING why;
    ELSE
        EXECUTE format(
            'SELECT EXISTS (SELECT FROM added AS a WHERE a.version > 1 AND NOT EXISTS (SELECT FROM %I AS r'
            ' WHERE r.account_id = a.account_id AND r.started_at = a.started_at AND r.udr_id = a.udr_id'
            ' AND r.version = a.replaces))', 'charge_reversal_' || right(tg_table_name, 8)
        ) INTO unfounded;
        IF unfounded THEN
            RAISE EXCEPTION 'a charge replaces one that is not reversed' USING ERRCODE = '23503';
        END IF;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION reversal_of_day_is_founded() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = bmu, pg_temp AS $$
DECLARE
    unfounded boolean;
BEGIN
    EXECUTE format(
        'SELECT EXISTS (SELECT FROM added AS a WHERE NOT EXISTS (SELECT FROM %I AS c'
        ' WHERE c.account_id = a.account_id AND c.started_at = a.started_at AND c.udr_id = a.udr_id'
        ' AND c.version = a.version))', 'charge_' || right(tg_table_name, 8)
    ) INTO unfounded;
    IF unfounded THEN
        RAISE EXCEPTION 'a reversal names a charge that does not exist' USING ERRCODE = '23503';
    END IF;
    RETURN NULL;
END $$;

------------------------------------------------------------------------------------- buckets and draws

-- One allowance of one service, or of an account, for one period. balance is the sum of its draws, kept by the
-- database alone: a bucket is born full, together with the draw that says so.
CREATE TABLE bucket (
    account_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    account_service_id bigint,                                    -- null: all services of the account draw from it
    share_id bigint,                                              -- or those that take part in its share plan
    code text NOT NULL,                                           -- of its bucket type
    during tstzrange NOT NULL CHECK (NOT isempty(during)),
    unit text NOT NULL CHECK (unit IN ('TIME', 'DATA', 'COUNT')),
    granted bigint NOT NULL CHECK (granted >= 0),                 -- at first; 0: it grows with usage
    added bigint NOT NULL DEFAULT 0,                              -- to that, by later grants and expiries
    moved bigint NOT NULL DEFAULT 0,                              -- by all other draws
    balance bigint NOT NULL GENERATED ALWAYS AS (granted + added + moved) STORED,
    warned smallint NOT NULL DEFAULT 0 CHECK (warned >= 0),       -- the highest threshold that was reached, per cent
    for_tree boolean NOT NULL DEFAULT false,                      -- the accounts below draw from it, too
    part text NOT NULL DEFAULT 'ALLOTMENT' CHECK (part IN ('CARRIED', 'JOINED', 'ALLOTMENT')),
    carried_from timestamptz CHECK ((carried_from IS NOT NULL) = (part = 'CARRIED')),
    tiers jsonb,                                                  -- all of them; null: one, free
    repeat_last boolean NOT NULL DEFAULT false,
    measured bigint CHECK (measured >= 0),                        -- the usage that it has grown with
    PRIMARY KEY (account_id, id),
    CONSTRAINT bucket_once_a_period UNIQUE (account_service_id, code, during, part),
    CONSTRAINT bucket_never_below_zero CHECK (balance >= 0),
    CONSTRAINT bucket_never_above_grant CHECK (balance <= granted + added),
    CHECK (num_nonnulls(account_service_id, share_id, nullif(for_tree, false)) <= 1)
) WITH (fillfactor = 50);                                         -- room for the next balance beside the last
CREATE UNIQUE INDEX bucket_of_account_once_a_period ON bucket (account_id, code, during, part)
    WHERE account_service_id IS NULL AND share_id IS NULL;
CREATE UNIQUE INDEX bucket_of_share_once_a_period ON bucket (share_id, code, during)
    WHERE share_id IS NOT NULL AND part = 'ALLOTMENT';

-- The service, or share plan, of a bucket is of its account. A look at the time of the insert, once for all rows of a statement, is
-- as good as a foreign key, since services stay; and it does not write to their rows, as the lock of a key does.
CREATE FUNCTION bucket_is_granted() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = bmu, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM added AS a WHERE a.account_service_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM account_service AS s WHERE s.account_id = a.account_id AND s.id = a.account_service_id
    )) THEN
        RAISE EXCEPTION 'a bucket is of a service that its account does not have' USING ERRCODE = '23503';
    END IF;
    IF EXISTS (SELECT FROM added AS a WHERE a.share_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM share AS s WHERE s.account_id = a.account_id AND s.id = a.share_id
    )) THEN
        RAISE EXCEPTION 'a bucket is of a share plan that its account does not have' USING ERRCODE = '23503';
    END IF;
    INSERT INTO draw (account_id, started_at, bucket_id, kind, quantity)
        SELECT account_id, lower(during), id, 'GRANT', granted FROM added WHERE granted > 0;
    RETURN NULL;
END $$;
CREATE TRIGGER bucket_granted AFTER INSERT ON bucket
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION bucket_is_granted();

-- Every grant (+), draw (-), return (+) and expiry (-) of a bucket is a row; so is what a reservation holds (-) until
-- it is released (+): their udr_id is the reservation's id, their version the step that held it.
CREATE TABLE draw (
    account_id bigint NOT NULL,
    started_at timestamptz NOT NULL,                              -- of the event; of the period for a grant
    bucket_id bigint NOT NULL,
    kind text NOT NULL CHECK (kind IN ('GRANT', 'DRAW', 'RETURN', 'EXPIRY', 'HOLD', 'RELEASE')),
    udr_id bigint NOT NULL DEFAULT 0,
    version integer NOT NULL DEFAULT 0,                           -- of the charge that drew, or was reversed when it was returned
    quantity bigint NOT NULL,
    PRIMARY KEY (account_id, started_at, udr_id, version, bucket_id, kind),
    CHECK (
        (kind IN ('GRANT', 'RETURN', 'RELEASE') AND quantity > 0) OR (kind IN ('DRAW', 'EXPIRY', 'HOLD') AND quantity < 0)
    ),
    -- What an event grants is another round of a last tier, or what a bucket grows by it; what it lets expire, such a
    -- grant given back. Without an event, a version tells that a bucket which began with its first use did not, or
    -- does again, that one which has grown less than was thought keeps what was used of it, or that one was carried
    -- into, or carried from as its period ended, and by how much otherwise once usage was rated again.
    CHECK ((udr_id > 0 AND version > 0) OR (udr_id = 0 AND version >= 0 AND kind IN ('GRANT', 'EXPIRY')))
) PARTITION BY RANGE (started_at);

-- A grant without a version only says how full the bucket was born; all others move the balance. Each bucket is found by its key,
-- however many there are.
CREATE FUNCTION bucket_follow_draws() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = bmu, pg_temp SET enable_hashjoin = off SET enable_mergejoin = off
    SET enable_seqscan = off SET enable_hashagg = off AS $$
DECLARE
    missing boolean;
BEGIN
    IF EXISTS (SELECT FROM added AS a WHERE a.kind = 'GRANT' AND NOT EXISTS (
        SELECT FROM bucket AS b WHERE b.account_id = a.account_id AND b.id = a.bucket_id AND CASE a.udr_id
            WHEN 0 THEN lower(b.during) = a.started_at AND (b.granted = a.quantity OR b.granted = 0 AND a.version > 0)
                OR upper(b.during) = a.started_at AND a.version > 0 AND b.part <> 'CARRIED'
                AND (b.added + a.quantity <= 0 OR b.granted = 0 OR b.repeat_last)
            ELSE b.repeat_last OR b.granted = 0 END
    )) THEN
        RAISE EXCEPTION 'a grant is of a bucket of its account, as large as it was made' USING ERRCODE = '23503';
    END IF;
    WITH moved AS (
        UPDATE bucket AS b SET moved = b.moved + s.moved, added = b.added + s.added FROM (
            SELECT account_id, bucket_id, count(*) AS draws,
                coalesce(sum(quantity) FILTER (WHERE kind NOT IN ('GRANT', 'EXPIRY')), 0)::bigint AS moved,
                coalesce(sum(quantity) FILTER (WHERE kind IN ('GRANT', 'EXPIRY')), 0)::bigint AS added
            FROM added WHERE kind <> 'GRANT' OR version > 0 GROUP BY account_id, bucket_id
        ) AS s WHERE b.account_id = s.account_id AND b.id = s.bucket_id RETURNING s.draws
    )
    SELECT (SELECT count(*) FROM added WHERE kind <> 'GRANT' OR version > 0) <> (SELECT coalesce(sum(draws), 0) FROM moved) INTO missing;
    IF missing THEN
        RAISE EXCEPTION 'a draw names a bucket that is not of its account' USING ERRCODE = '23503';
    END IF;
    RETURN NULL;
END $$;
-- The grants that a new bucket brings with it are right by their making: they are written by the trigger of bucket,
-- the only one that writes draws.
CREATE TRIGGER draw_moves_balance AFTER INSERT ON draw
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION bucket_follow_draws();
-- Between the table and its days, for what is copied in: of any days in one statement, so that each bucket is moved once, and
-- in the order in which others lock them.
CREATE TABLE draw_by_day PARTITION OF draw FOR VALUES FROM (MINVALUE) TO (MAXVALUE) PARTITION BY RANGE (started_at);
CREATE TRIGGER draw_moves_balance AFTER INSERT ON draw_by_day
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION bucket_follow_draws();

------------------------------------------------------------------------------------------------ ledger

CREATE TABLE ledger_account (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('RECEIVABLE', 'REVENUE_USAGE', 'REVENUE_RECURRING', 'TAX')),
    account_id bigint REFERENCES account,
    currency char(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    CHECK ((kind = 'RECEIVABLE') = (account_id IS NOT NULL)),
    UNIQUE NULLS NOT DISTINCT (kind, account_id, currency),
    UNIQUE (id, currency)
);
CREATE TABLE journal (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    idempotency_key text NOT NULL UNIQUE CHECK (length(idempotency_key) BETWEEN 8 AND 128),
    kind text NOT NULL CHECK (kind IN ('INVOICE', 'CREDIT_NOTE', 'PAYMENT', 'REVERSAL')),
    posted_on date NOT NULL,
    reverses bigint UNIQUE REFERENCES journal,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    at timestamptz NOT NULL DEFAULT transaction_timestamp(),
    UNIQUE (id, xid, at)
);
-- Debit is positive, credit negative. Only the transaction that made a journal can add its postings: the key
-- to it holds transaction id and time, which the program has no right to supply.
CREATE TABLE posting (
    journal_id bigint NOT NULL,
    line_no smallint NOT NULL CHECK (line_no BETWEEN 1 AND 50),
    ledger_account_id bigint NOT NULL,
    currency char(3) NOT NULL,
    amount_minor numeric(20, 0) NOT NULL CHECK (amount_minor <> 0 AND amount_minor <> 'NaN'),
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    at timestamptz NOT NULL DEFAULT transaction_timestamp(),
    PRIMARY KEY (journal_id, line_no),
    FOREIGN KEY (ledger_account_id, currency) REFERENCES ledger_account (id, currency),
    FOREIGN KEY (journal_id, xid, at) REFERENCES journal (id, xid, at)
);
CREATE INDEX posting_account ON posting (ledger_account_id);

CREATE FUNCTION journal_balances() RETURNS trigger LANGUAGE plpgsql SET search_path = bmu, pg_temp AS $$
DECLARE
    wanted bigint := CASE WHEN tg_table_name = 'journal' THEN (to_jsonb(new) ->> 'id')::bigint
        ELSE (to_jsonb(new) ->> 'journal_id')::bigint END;
    postings bigint;
    wrong text;
BEGIN
    SELECT count(*) INTO postings FROM posting WHERE journal_id = wanted;
    IF postings < 2 THEN
        RAISE EXCEPTION 'journal % has % postings', wanted, postings USING ERRCODE = '23514';
    END IF;
    SELECT string_agg(currency || ' ' || total, ', ') INTO wrong FROM (
        SELECT currency, sum(amount_minor) AS total FROM posting WHERE journal_id = wanted
        GROUP BY currency HAVING sum(amount_minor) <> 0
    ) AS sums;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION 'journal % does not balance: %', wanted, wrong USING ERRCODE = '23514';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER journal_balanced AFTER INSERT ON journal DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION journal_balances();
CREATE CONSTRAINT TRIGGER posting_balanced AFTER INSERT ON posting DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION journal_balances();

---------------------------------------------------------------------------------------------- invoices

CREATE TABLE bill_run (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    as_of date NOT NULL,                                          -- periods that end on or before this day
    state text NOT NULL DEFAULT 'OPEN' CHECK (state IN ('OPEN', 'DONE')),
    last_account_id bigint NOT NULL DEFAULT 0,                    -- accounts up to this one are done
    actor text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT transaction_timestamp(),
    done_at timestamptz,
    CHECK ((state = 'DONE') = (done_at IS NOT NULL))
);
-- A day is asked for once until its run is done; then again, for what came since.
CREATE UNIQUE INDEX bill_run_open ON bill_run (as_of) WHERE state = 'OPEN';

-- Numbers without gaps: the row is locked by the transaction that issues.
CREATE TABLE invoice_number (series text PRIMARY KEY, last bigint NOT NULL CHECK (last >= 0));

CREATE TABLE invoice (
    account_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    number text NOT NULL UNIQUE,
    kind text NOT NULL DEFAULT 'INVOICE' CHECK (kind IN ('INVOICE', 'CREDIT_NOTE')),
    during tstzrange NOT NULL CHECK (NOT isempty(during) AND NOT lower_inf(during) AND NOT upper_inf(during)),
    bill_run_id bigint NOT NULL REFERENCES bill_run,
    journal_id bigint UNIQUE REFERENCES journal,                  -- null: nothing to pay, nothing to post
    issued_at timestamptz NOT NULL,
    issued_on date NOT NULL,
    due_on date NOT NULL CHECK (due_on >= issued_on),
    currency char(3) NOT NULL,
    net_minor bigint NOT NULL,
    tax_minor bigint NOT NULL,
    total_minor bigint NOT NULL CHECK (total_minor = net_minor + tax_minor),
    customer_name text NOT NULL,                                  -- as it was on the day
    UNIQUE (account_id, id),
    FOREIGN KEY (account_id, currency) REFERENCES account (id, currency),
    CONSTRAINT invoice_once_a_period EXCLUDE USING gist (
        int8range(account_id, account_id, '[]') WITH &&, during WITH &&
    ) WHERE (kind = 'INVOICE')
);

CREATE TABLE invoice_line (
    account_id bigint NOT NULL,
    invoice_id bigint NOT NULL,
    line_no integer NOT NULL CHECK (line_no > 0),
    kind text NOT NULL CHECK (kind IN ('RECURRING', 'USAGE', 'TAX')),
    description text NOT NULL,
    account_service_id bigint,
    events bigint CHECK (events >= 0),
    unit text CHECK (unit IN ('TIME', 'DATA', 'COUNT')),
    quantity bigint CHECK (quantity >= 0),                        -- rounded quantity of the events
    included bigint CHECK (included BETWEEN 0 AND quantity),      -- of it, drawn from buckets
    tax_code text, tax_ppm integer,                               -- where it has one tax
    taxes jsonb,                                                  -- where it has several, or one that is not owed
    during tstzrange NOT NULL,
    amount_e11 numeric(30, 0) NOT NULL,                           -- before the line's one rounding
    amount_minor bigint NOT NULL,
    PRIMARY KEY (invoice_id, line_no),
    FOREIGN KEY (account_id, invoice_id) REFERENCES invoice (account_id, id)
);

-- What the usage of a whole period cost at one rate when it was billed. A later bill asks for the difference to the last
-- of these rows, where usage came or went since.
CREATE TABLE invoice_period (
    account_id bigint NOT NULL,
    invoice_id bigint NOT NULL,
    line_no integer NOT NULL,
    during tstzrange NOT NULL,                                    -- what was priced; maybe earlier than the invoice's
    scope text NOT NULL CHECK (scope IN ('SERVICE', 'ACCOUNT', 'INVOICER')),
    owner_id bigint NOT NULL,                                     -- the service, or the account, as the scope says
    usage_class_id integer NOT NULL,
    rate_plan_id integer NOT NULL, rate_group_id integer NOT NULL, rate_id integer NOT NULL,
    revision bigint NOT NULL,                                     -- of its last event
    usage jsonb NOT NULL,                                         -- what was measured, and its taxes
    price jsonb NOT NULL,                                         -- each tier's part
    net_e11 numeric(30, 0) NOT NULL,                              -- of the whole period, before tax
    PRIMARY KEY (invoice_id, line_no),
    FOREIGN KEY (account_id, invoice_id) REFERENCES invoice (account_id, id)
);
CREATE INDEX invoice_period_account ON invoice_period (account_id);

-- A charge is on one invoice only.
CREATE TABLE invoice_charge (
    account_id bigint NOT NULL,
    started_at timestamptz NOT NULL,
    udr_id bigint NOT NULL,
    version integer NOT NULL,
    invoice_id bigint NOT NULL,
    line_no integer NOT NULL,
    PRIMARY KEY (account_id, started_at, udr_id, version)
) PARTITION BY RANGE (started_at);

-- A charge that was on an invoice and was reversed since is credited on one later invoice.
CREATE TABLE invoice_credit (
    account_id bigint NOT NULL,
    started_at timestamptz NOT NULL,
    udr_id bigint NOT NULL,
    version integer NOT NULL,
    invoice_id bigint NOT NULL,
    line_no integer NOT NULL,
    PRIMARY KEY (account_id, started_at, udr_id, version)
) PARTITION BY RANGE (started_at);

CREATE FUNCTION invoice_adds_up() RETURNS trigger LANGUAGE plpgsql SET search_path = bmu, pg_temp AS $$
DECLARE
    wanted bigint := CASE WHEN tg_table_name = 'invoice' THEN (to_jsonb(new) ->> 'id')::bigint
        ELSE (to_jsonb(new) ->> 'invoice_id')::bigint END;
    wrong boolean;
BEGIN
    SELECT i.net_minor <> coalesce(sum(l.amount_minor) FILTER (WHERE l.kind <> 'TAX'), 0)
        OR i.tax_minor <> coalesce(sum(l.amount_minor) FILTER (WHERE l.kind = 'TAX'), 0)
        OR (i.journal_id IS NULL) <> (i.total_minor = 0)
        INTO wrong
        FROM invoice AS i LEFT JOIN invoice_line AS l ON l.invoice_id = i.id
        WHERE i.id = wanted GROUP BY i.id;
    IF wrong THEN
        RAISE EXCEPTION 'invoice % is not the sum of its lines', wanted USING ERRCODE = '23514';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER invoice_sums AFTER INSERT ON invoice DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION invoice_adds_up();
CREATE CONSTRAINT TRIGGER invoice_line_sums AFTER INSERT ON invoice_line DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION invoice_adds_up();

--------------------------------------------------------------------------------------------- rerating

-- A plan to rate usage again: first only computed, account by account; then, if somebody says so, carried out, an
-- account a transaction. A simulation is a plan that can't be: it asks what other packages would have cost.
CREATE TABLE rerating (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    actor text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT transaction_timestamp(),
    packages text[],                                              -- of a simulation, those to try
    accounts text[],                                              -- numbers; null: all
    from_at timestamptz,                                          -- null: as those say that are due
    to_at timestamptz CHECK (to_at > from_at),                    -- of a simulation
    usage_class text, source text,                                -- accounts that have such usage since
    due_to bigint CHECK (num_nonnulls(from_at, due_to) = 1),      -- accounts that are due by entries up to this one
    accounts_a_second integer NOT NULL DEFAULT 20 CHECK (accounts_a_second BETWEEN 1 AND 10000),
    not_before timestamptz,                                       -- when the next accounts may be carried out
    revision bigint REFERENCES revision,                          -- by which it was planned, or is carried out
    state text NOT NULL DEFAULT 'NEW' CHECK (state IN ('NEW', 'PLANNING', 'PLANNED', 'RUNNING', 'PAUSED', 'DONE')),
    run_by text,
    done_at timestamptz,
    CHECK ((state = 'DONE') = (done_at IS NOT NULL)),
    CHECK ((state = 'NEW') = (revision IS NULL)),
    CHECK (packages IS NULL OR state IN ('NEW', 'PLANNING', 'PLANNED')),
    CHECK ((packages IS NULL) = (to_at IS NULL)),
    CHECK ((state IN ('RUNNING', 'PAUSED', 'DONE')) = (run_by IS NOT NULL))
);
CREATE INDEX rerating_open ON rerating (id) WHERE state IN ('NEW', 'PLANNING', 'RUNNING');

-- One account of a plan, or of a simulation with one package. Amounts are those that are charged before and after.
CREATE TABLE rerating_account (
    rerating_id bigint NOT NULL REFERENCES rerating,
    account_id bigint NOT NULL REFERENCES account,
    package text NOT NULL DEFAULT '',                             -- of a simulation
    from_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'WAITING' CHECK (state IN ('WAITING', 'PLANNED', 'DONE')),
    records bigint, changed bigint, unratable bigint, invoiced bigint,
    old_e11 numeric(30, 0), old_tax_e11 numeric(30, 0), new_e11 numeric(30, 0), new_tax_e11 numeric(30, 0),
    recurring_e11 numeric(30, 0),                                 -- of a simulation: what the package costs besides
    recurring_tax_e11 numeric(30, 0),                             -- null: it can't be told
    took_us bigint,
    PRIMARY KEY (rerating_id, account_id, package),
    CHECK (num_nulls(records, changed, unratable, invoiced, old_e11, old_tax_e11, new_e11, new_tax_e11, took_us)
        = CASE state WHEN 'WAITING' THEN 9 ELSE 0 END)
);
CREATE INDEX rerating_account_waiting ON rerating_account (rerating_id, from_at, account_id, package)
    WHERE state = 'WAITING';
CREATE INDEX rerating_account_planned ON rerating_account (rerating_id, from_at, account_id, package)
    WHERE state = 'PLANNED';

-- What was changed that touches usage rated before: of one account, or of all that have rated usage.
CREATE TABLE rerating_due (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id bigint REFERENCES account,
    from_at timestamptz,                                          -- null: what is on no invoice
    cause text NOT NULL,
    revision bigint NOT NULL REFERENCES revision,
    at timestamptz NOT NULL DEFAULT transaction_timestamp()
);
CREATE INDEX rerating_due_account ON rerating_due (account_id);

------------------------------------------------------------------------------ credit and reservations

-- How far an account may go into debt: what it owes by the ledger (a payment in advance is a negative debt), what it
-- used that no invoice has yet, and what is reserved. 0: prepaid. No row: no limit. What was used is charged all
-- the same; it is reserving that is held to the limit.
CREATE TABLE account_credit (
    account_id bigint PRIMARY KEY REFERENCES account,
    limit_minor bigint NOT NULL CHECK (limit_minor >= 0),
    minor_e11 bigint NOT NULL CHECK (minor_e11 > 0)               -- what one minor unit of the account's currency is
);

-- Usage that may come: what buckets give for it is held by draws, what it may cost counts against the credit. A later
-- step holds more, or less; in the end it is settled by what was really used, or it expires and nothing is charged.
CREATE TABLE reservation (
    id bigint PRIMARY KEY,                                        -- of the ids of UDRs: its draws name it
    event_key uuid NOT NULL UNIQUE,
    source_id integer NOT NULL REFERENCES source,
    key text NOT NULL,                                            -- as the source calls the event
    account_id bigint NOT NULL,
    account_service_id bigint NOT NULL,
    usage_class text NOT NULL,
    uid_type text NOT NULL,
    uid text NOT NULL,
    origin text NOT NULL,
    destination text NOT NULL,
    extras jsonb,                                                 -- as of udr
    started_at timestamptz NOT NULL,
    step integer NOT NULL DEFAULT 1 CHECK (step >= 1),
    wanted bigint NOT NULL CHECK (wanted > 0),                    -- quantity asked for by that step, and so much of it held
    quantity bigint NOT NULL CHECK (quantity BETWEEN 0 AND wanted),
    money_e11 bigint NOT NULL CHECK (money_e11 >= 0),             -- with tax
    currency char(3) NOT NULL,
    state text NOT NULL DEFAULT 'OPEN' CHECK (state IN ('OPEN', 'SETTLED', 'EXPIRED')),
    created_at timestamptz NOT NULL DEFAULT transaction_timestamp(),
    expires_at timestamptz NOT NULL,
    ended_at timestamptz,
    CHECK ((state = 'OPEN') = (ended_at IS NULL)),
    FOREIGN KEY (account_id, account_service_id) REFERENCES account_service (account_id, id)
);
CREATE INDEX reservation_open ON reservation (expires_at) WHERE state = 'OPEN';
CREATE INDEX reservation_account ON reservation (account_id) WHERE state = 'OPEN';
CREATE TRIGGER reservation_ends_once BEFORE UPDATE ON reservation FOR EACH ROW WHEN (old.state <> 'OPEN')
    EXECUTE FUNCTION refuse_change();

-- What an account may still spend, in 10^-11 of its currency; below zero: its debt is beyond the limit. Null: no limit.
-- Prices of periods that are not billed yet are not in it: the program knows what they come to.
CREATE FUNCTION credit_left(debtor bigint) RETURNS numeric LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = bmu, pg_temp AS $$
DECLARE
    credit account_credit%ROWTYPE;
    billed timestamptz;
    earliest timestamptz;
    owed numeric;
    unbilled numeric;
    held numeric;
BEGIN
    SELECT * INTO credit FROM account_credit WHERE account_id = debtor;
    IF NOT found THEN
        RETURN NULL;
    END IF;
    SELECT coalesce(sum(p.amount_minor), 0) INTO owed FROM ledger_account AS l
        JOIN posting AS p ON p.ledger_account_id = l.id WHERE l.kind = 'RECEIVABLE' AND l.account_id = debtor;
    SELECT max(upper(during)), max(issued_at) INTO earliest, billed FROM invoice
        WHERE account_id = debtor AND kind = 'INVOICE';
    -- As far back as its next bill looks.
    SELECT least(earliest, (
            SELECT min(p.oldest_day)::timestamp AT TIME ZONE 'UTC' FROM usage_file AS f
            JOIN usage_file_part AS p ON p.file_id = f.id WHERE f.state <> 'DONE' OR f.done_at >= billed
        ), (
            SELECT min(w.oldest) FROM rework AS w
            WHERE w.account_id = debtor AND w.at >= coalesce(billed, '-infinity') - interval '1 day'
        )) INTO earliest WHERE earliest IS NOT NULL;
    -- What the next bill charges, less what it credits of what was billed and reversed since.
    SELECT coalesce(sum(c.amount_e11) + sum(c.tax_e11), 0) INTO unbilled FROM charge AS c
        WHERE c.account_id = debtor AND c.started_at >= coalesce(earliest, '-infinity')
        AND NOT EXISTS (
            SELECT FROM charge_reversal AS r WHERE r.account_id = c.account_id AND r.started_at = c.started_at
            AND r.udr_id = c.udr_id AND r.version = c.version
        ) AND NOT EXISTS (
            SELECT FROM invoice_charge AS i WHERE i.account_id = c.account_id AND i.started_at = c.started_at
            AND i.udr_id = c.udr_id AND i.version = c.version
        );
    SELECT unbilled - coalesce(sum(c.amount_e11) + sum(c.tax_e11), 0) INTO unbilled FROM charge AS c
        JOIN charge_reversal AS r ON r.account_id = c.account_id AND r.started_at = c.started_at
            AND r.udr_id = c.udr_id AND r.version = c.version
        JOIN invoice_charge AS i ON i.account_id = c.account_id AND i.started_at = c.started_at
            AND i.udr_id = c.udr_id AND i.version = c.version
        WHERE c.account_id = debtor AND c.started_at >= coalesce(earliest, '-infinity')
        AND r.account_id = debtor AND r.started_at >= coalesce(earliest, '-infinity')
        AND i.account_id = debtor AND i.started_at >= coalesce(earliest, '-infinity')
        AND NOT EXISTS (
            SELECT FROM invoice_credit AS d WHERE d.account_id = c.account_id AND d.started_at = c.started_at
            AND d.udr_id = c.udr_id AND d.version = c.version
        );
    SELECT coalesce(sum(money_e11), 0) INTO held FROM reservation WHERE account_id = debtor AND state = 'OPEN';
    RETURN (credit.limit_minor - owed) * credit.minor_e11 - unbilled - held;
END $$;

-- Nothing is reserved that the credit does not allow, whatever is reserved at the same time.
CREATE FUNCTION reservation_within_credit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = bmu, pg_temp AS $$
BEGIN
    PERFORM FROM account_credit WHERE account_id = new.account_id FOR UPDATE;
    IF found AND credit_left(new.account_id) < 0 THEN
        RAISE EXCEPTION 'account % has no credit for that', new.account_id USING ERRCODE = '23514';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER reservation_of_credit AFTER INSERT ON reservation FOR EACH ROW WHEN (new.money_e11 > 0)
    EXECUTE FUNCTION reservation_within_credit();
CREATE TRIGGER reservation_of_more_credit AFTER UPDATE ON reservation FOR EACH ROW
    WHEN (new.state = 'OPEN' AND new.money_e11 > old.money_e11) EXECUTE FUNCTION reservation_within_credit();

------------------------------------------------------------------------------------- days (partitions)

-- The partitions of one day (UTC), made on first need. Their foreign keys join partition to partition: a key
-- to the whole partitioned table would look at every day for every row. The service may add rows to a partition
-- itself: COPY is refused where row level security is on, as it is for the whole tables.
CREATE FUNCTION ensure_day(day date) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = bmu, pg_temp AS $$
DECLARE
    suffix text := to_char(day, 'YYYYMMDD');
    name text;
BEGIN
    IF day NOT BETWEEN date '2000-01-01' AND date '2199-12-31' THEN
        RAISE EXCEPTION 'no usage of the day % is taken', day USING ERRCODE = '22008';
    END IF;
    IF to_regclass('bmu.charge_' || suffix) IS NOT NULL THEN
        RETURN false;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('bmu.ensure_day'));
    -- Looked up in the table: to_regclass may still remember that there was none before we waited.
    IF EXISTS (
        SELECT FROM pg_class WHERE relname = 'charge_' || suffix AND relnamespace = 'bmu'::regnamespace
    ) THEN
        RETURN false;
    END IF;
    FOREACH name IN ARRAY ARRAY['charge_reversal', 'charge', 'draw', 'invoice_charge', 'invoice_credit'] LOOP
        -- Made apart and then attached: so nobody who reads or writes other days has to wait.
        EXECUTE format(
            'CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name || '_' || suffix, name
        );
        EXECUTE format(
            'ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
            CASE name WHEN 'draw' THEN 'draw_by_day' ELSE name END, name || '_' || suffix, day::timestamp AT TIME ZONE 'UTC', (day + 1)::timestamp AT TIME ZONE 'UTC'
        );
        EXECUTE format(
            'CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %I FOR EACH STATEMENT'
            ' EXECUTE FUNCTION refuse_change()', name || '_' || suffix
        );
    END LOOP;
    EXECUTE format(
        'ALTER TABLE %I ADD FOREIGN KEY (account_id, started_at, udr_id, version)'
        ' REFERENCES %I (account_id, started_at, udr_id, version),'
        ' ADD FOREIGN KEY (account_id, invoice_id) REFERENCES invoice (account_id, id)',
        'invoice_charge_' || suffix, 'charge_' || suffix
    );
    EXECUTE format(
        'ALTER TABLE %I ADD FOREIGN KEY (account_id, started_at, udr_id, version)'
        ' REFERENCES %I (account_id, started_at, udr_id, version),'
        ' ADD FOREIGN KEY (account_id, started_at, udr_id, version)'
        ' REFERENCES %I (account_id, started_at, udr_id, version),'
        ' ADD FOREIGN KEY (account_id, invoice_id) REFERENCES invoice (account_id, id)',
        'invoice_credit_' || suffix, 'invoice_charge_' || suffix, 'charge_reversal_' || suffix
    );
    EXECUTE format(
        'CREATE TRIGGER charge_founded AFTER INSERT ON %I REFERENCING NEW TABLE AS added'
        ' FOR EACH STATEMENT EXECUTE FUNCTION charge_of_day_is_founded()', 'charge_' || suffix
    );
    EXECUTE format(
        'CREATE TRIGGER reversal_founded AFTER INSERT ON %I REFERENCING NEW TABLE AS added'
        ' FOR EACH STATEMENT EXECUTE FUNCTION reversal_of_day_is_founded()', 'charge_reversal_' || suffix
    );
    EXECUTE format(
        'CREATE TRIGGER draw_moves_balance AFTER INSERT ON %I REFERENCING NEW TABLE AS added'
        ' FOR EACH STATEMENT EXECUTE FUNCTION bucket_follow_draws()', 'draw_' || suffix
    );
    EXECUTE format(
        'GRANT INSERT ON %I, %I, %I TO bmuid', 'charge_' || suffix, 'charge_reversal_' || suffix, 'draw_' || suffix
    );
    RETURN true;
END $$;

-------------------------------------------------------------------------------------- logins, sessions

CREATE TABLE login (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES account,
    name text NOT NULL UNIQUE CHECK (name = lower(name) AND length(name) BETWEEN 3 AND 254),
    password text NOT NULL CHECK (password LIKE '$argon2id$%'),   -- PHC string; peppered outside the database
    disabled boolean NOT NULL DEFAULT false,
    failures integer NOT NULL DEFAULT 0 CHECK (failures >= 0),    -- in a row
    tries_left numeric(12, 6) NOT NULL DEFAULT 3 CHECK (tries_left BETWEEN 0 AND 3),
    tries_at timestamptz NOT NULL DEFAULT transaction_timestamp()
);
-- Only the SHA-256 of a session's token is kept.
CREATE TABLE session (
    token_hash bytea PRIMARY KEY CHECK (length(token_hash) = 32),
    login_id bigint NOT NULL REFERENCES login,
    account_id bigint NOT NULL REFERENCES account,
    created_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL CHECK (ends_at > created_at),
    ended boolean NOT NULL DEFAULT false
);
CREATE INDEX session_login ON session (login_id) WHERE NOT ended;
CREATE TRIGGER session_ends_once BEFORE UPDATE ON session FOR EACH ROW WHEN (old.ended AND NOT new.ended)
    EXECUTE FUNCTION refuse_change();

-- Which customer this transaction of this connection acts for. A setting could be forged by any statement; this
-- table can't be written by the role that the policies watch. Empty after a crash, which is safe: no rows seen.
CREATE UNLOGGED TABLE entered (
    pid integer PRIMARY KEY, xid xid8 NOT NULL, account_id bigint NOT NULL, login_id bigint NOT NULL
);
-- Idle 15 minutes, by the clock of the database; seen_at moves at most once a minute, to spare writes.
CREATE FUNCTION enter(token text) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = bmu, pg_temp AS $$
DECLARE
    hash bytea := sha256(convert_to(token, 'UTF8'));
    found_session session%ROWTYPE;
BEGIN
    DELETE FROM entered WHERE pid = pg_backend_pid();
    SELECT s.* INTO found_session FROM session AS s JOIN login AS l ON l.id = s.login_id
        WHERE s.token_hash = hash AND NOT s.ended AND NOT l.disabled
        AND s.ends_at > clock_timestamp() AND s.seen_at > clock_timestamp() - interval '15 minutes';
    IF NOT found THEN
        RETURN NULL;
    END IF;
    IF found_session.seen_at < clock_timestamp() - interval '1 minute' THEN
        UPDATE session SET seen_at = clock_timestamp() WHERE token_hash = hash;
    END IF;
    INSERT INTO entered VALUES (
        pg_backend_pid(), pg_current_xact_id(), found_session.account_id, found_session.login_id
    );
    RETURN found_session.account_id;
END $$;
CREATE FUNCTION entered_account() RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = bmu, pg_temp AS $$
    SELECT account_id FROM entered WHERE pid = pg_backend_pid() AND xid = pg_current_xact_id_if_assigned()
$$;
-- The code of a bucket that an account draws from, of an account above it. A customer asks for the own account only.
CREATE FUNCTION bucket_above(below bigint, wanted bigint) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = bmu, pg_temp AS $$
    WITH RECURSIVE above AS (
        SELECT parent_id AS id FROM account
        WHERE id = below AND (session_user <> 'bmuid_public' OR below = entered_account())
        UNION SELECT a.parent_id FROM account AS a JOIN above ON a.id = above.id
    )
    SELECT b.code FROM above JOIN bucket AS b ON b.account_id = above.id WHERE b.id = wanted AND b.for_tree
    UNION ALL
    SELECT b.code FROM share AS s JOIN bucket AS b ON b.account_id = s.account_id AND b.share_id = s.id
    WHERE b.id = wanted AND (session_user <> 'bmuid_public' OR below = entered_account())
    AND EXISTS (SELECT FROM share_member AS m WHERE m.share_id = s.id AND m.account_id = below)
    LIMIT 1
$$;
-- The buckets of other accounts' share plans that an account takes part in, open at some time of a span.
CREATE FUNCTION shared_buckets(taking_part bigint, span tstzrange)
    RETURNS TABLE (code text, during tstzrange, unit text, granted bigint, balance bigint, part text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = bmu, pg_temp AS $$
    SELECT b.code, b.during, b.unit, b.granted + b.added, b.balance, b.part
    FROM share_member AS m JOIN share AS s ON s.id = m.share_id AND s.account_id <> taking_part
    JOIN bucket AS b ON b.account_id = s.account_id AND b.share_id = s.id AND b.during && m.during AND b.during && span
    WHERE m.account_id = taking_part AND m.until IS NULL AND m.during && span AND (b.part <> 'CARRIED' OR b.granted + b.added > 0)
    AND (session_user <> 'bmuid_public' OR taking_part = entered_account())
$$;
CREATE FUNCTION leave(token text) RETURNS boolean LANGUAGE sql SECURITY DEFINER
    SET search_path = bmu, pg_temp AS $$
    WITH gone AS (
        UPDATE session SET ended = true WHERE token_hash = sha256(convert_to(token, 'UTF8')) AND NOT ended RETURNING 1
    ) SELECT EXISTS (SELECT FROM gone)
$$;

-- A try to log in: three at once, then one in six seconds, at most a hundred failures in a row; whoever asks.
-- No row: unknown name. password null: known, but not now.
CREATE FUNCTION login_try(wanted text, OUT login_id bigint, OUT password text) RETURNS SETOF record
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = bmu, pg_temp AS $$
DECLARE
    l login%ROWTYPE;
    tries numeric;
BEGIN
    SELECT * INTO l FROM login WHERE name = wanted FOR NO KEY UPDATE;
    IF NOT found THEN
        RETURN;
    END IF;
    tries := least(3, l.tries_left + greatest(0, extract(epoch FROM clock_timestamp() - l.tries_at)) / 6);
    login_id := l.id;
    IF tries >= 1 AND NOT l.disabled AND l.failures < 100 THEN
        password := l.password;
        tries := tries - 1;
    END IF;
    UPDATE login SET tries_left = round(tries, 6), tries_at = clock_timestamp() WHERE id = l.id;
    RETURN NEXT;
END $$;
CREATE FUNCTION login_failed(wanted bigint) RETURNS void LANGUAGE sql SECURITY DEFINER
    SET search_path = bmu, pg_temp AS $$
    UPDATE login SET failures = failures + 1 WHERE id = wanted
$$;
-- A new session, 12 hours at most; a login has ten, the oldest gives way. rehashed: the password under newer
-- parameters, or null. Gives the account's number and name; no row: the login is disabled.
CREATE FUNCTION session_open(wanted bigint, hash bytea, rehashed text, OUT number text, OUT name text)
    RETURNS SETOF record LANGUAGE plpgsql SECURITY DEFINER SET search_path = bmu, pg_temp AS $$
DECLARE
    owner bigint;
BEGIN
    UPDATE login SET failures = 0, tries_left = 3, password = coalesce(rehashed, password)
        WHERE id = wanted AND NOT disabled RETURNING account_id INTO owner;
    IF owner IS NULL THEN
        RETURN;
    END IF;
    UPDATE session SET ended = true WHERE token_hash IN (
        SELECT token_hash FROM session WHERE login_id = wanted AND NOT ended
        ORDER BY created_at DESC, token_hash OFFSET 9
    );
    INSERT INTO session (token_hash, login_id, account_id, created_at, seen_at, ends_at) VALUES (
        hash, wanted, owner, clock_timestamp(), clock_timestamp(), clock_timestamp() + interval '12 hours'
    );
    RETURN QUERY SELECT a.number, a.name FROM account AS a WHERE a.id = owner;
END $$;

------------------------------------------------------------------------------------------------- audit

-- Each row holds the hash of the row before it; fields are joined with their lengths, so that no two different
-- rows hash alike.
CREATE FUNCTION audit_hash(prev bytea, VARIADIC fields text[]) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT sha256(prev || convert_to(
        (SELECT string_agg(octet_length(f) || ':' || f, '' ORDER BY n) FROM unnest(fields) WITH ORDINALITY AS t (f, n)),
        'UTF8'
    ))
$$;
CREATE TABLE audit (
    seq bigint PRIMARY KEY CHECK (seq > 0),
    at timestamptz NOT NULL,
    actor text NOT NULL,
    door text NOT NULL,
    operation text NOT NULL,
    outcome text NOT NULL,
    object text NOT NULL,
    detail text NOT NULL,
    request_id text NOT NULL,
    prev bytea NOT NULL,
    hash bytea NOT NULL CHECK (hash = bmu.audit_hash(
        prev, seq::text, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'), actor, door, operation,
        outcome, object, detail, request_id
    ))
);
CREATE FUNCTION audit_add(
    actor text, door text, operation text, outcome text, object text, detail text, request_id text
) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = bmu, pg_temp AS $$
DECLARE
    next_seq bigint;
    prev_hash bytea;
    instant timestamptz;
BEGIN
    IF session_user IN ('bmuid_public', 'bmuid_auth') AND door <> 'PUBLIC' THEN
        RAISE EXCEPTION 'the public door does not speak for the door %', door USING ERRCODE = '42501';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('bmu.audit'));
    SELECT a.seq, a.hash INTO next_seq, prev_hash FROM audit AS a ORDER BY a.seq DESC LIMIT 1;
    next_seq := coalesce(next_seq, 0) + 1;
    prev_hash := coalesce(prev_hash, '\x');
    instant := clock_timestamp();
    INSERT INTO audit VALUES (
        next_seq, instant, actor, door, operation, outcome, object, detail, request_id, prev_hash,
        audit_hash(prev_hash, next_seq::text, to_char(instant AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'),
            actor, door, operation, outcome, object, detail, request_id)
    );
    RETURN next_seq;
END $$;

-- The first row whose link or number does not fit; null: the chain holds.
CREATE FUNCTION audit_broken_at() RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = bmu, pg_temp AS $$
    SELECT min(seq) FROM (
        SELECT seq, prev, row_number() OVER (ORDER BY seq) AS n,
            coalesce(lag(hash) OVER (ORDER BY seq), '\x') AS wanted,
            hash = audit_hash(prev, seq::text, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'), actor,
                door, operation, outcome, object, detail, request_id) AS whole
        FROM audit
    ) AS links WHERE prev <> wanted OR seq <> n OR NOT whole
$$;

---------------------------------------------------------------------------------- outbox, keyed requests

CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('MAIL', 'WEBHOOK', 'PAYMENT', 'PROVISIONING')),
    dedup_key text NOT NULL UNIQUE,
    payload jsonb NOT NULL,
    state text NOT NULL DEFAULT 'WAITING' CHECK (state IN ('WAITING', 'SENDING', 'SENT', 'FAILED', 'UNKNOWN')),
    not_before timestamptz NOT NULL DEFAULT transaction_timestamp(),
    tries integer NOT NULL DEFAULT 0 CHECK (tries >= 0)
);
CREATE INDEX outbox_waiting ON outbox (not_before) WHERE state = 'WAITING';

-- The answer once given to a keyed request: the same key is answered the same, other arguments are refused.
CREATE TABLE request_key (
    actor text NOT NULL,
    key text NOT NULL CHECK (length(key) BETWEEN 8 AND 128),
    operation text NOT NULL,
    arguments bytea NOT NULL CHECK (length(arguments) = 32),
    result text NOT NULL,
    at timestamptz NOT NULL DEFAULT transaction_timestamp(),
    PRIMARY KEY (actor, key)
);

CREATE TABLE schema_version (
    id smallint PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    version integer NOT NULL CHECK (version > 0)
);
INSERT INTO schema_version (version) VALUES (1);

-------------------------------------------------------------------------------------------- append-only
-- The second line behind the missing rights: also the owner can't change history by a slip.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['charge', 'charge_reversal', 'draw', 'draw_by_day', 'journal', 'posting', 'invoice',
        'invoice_line', 'invoice_charge', 'invoice_credit', 'invoice_period', 'audit', 'revision', 'rework', 'rerating_due',
        'usage_event', 'source_batch', 'profile'] LOOP
        EXECUTE format(
            'CREATE TRIGGER %I BEFORE UPDATE OR DELETE OR TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION'
            ' refuse_change()', name || '_append_only', name
        );
    END LOOP;
END $$;

-- What is done stays done: a file's verdicts, a part's, a bill run.
CREATE FUNCTION refuse_reopening() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: what is done stays as it is', tg_op, tg_table_name USING ERRCODE = '42501';
END $$;
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['usage_file', 'usage_file_part', 'bill_run', 'suspense_job', 'rerating'] LOOP
        EXECUTE format(
            'CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %I FOR EACH ROW WHEN (old.state = ''DONE'') EXECUTE FUNCTION'
            ' refuse_reopening()', name || '_done', name
        );
    END LOOP;
END $$;
-- Invoices are numbered from 1 in steps of 1, so that none is missing.
CREATE FUNCTION next_number() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF new.last <> (CASE tg_op WHEN 'INSERT' THEN 1 ELSE old.last + 1 END) THEN
        RAISE EXCEPTION 'the numbers of % go in steps of one', new.series USING ERRCODE = '23514';
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER invoice_number_steps BEFORE INSERT OR UPDATE ON invoice_number
    FOR EACH ROW EXECUTE FUNCTION next_number();

------------------------------------------------------------------------------------ rights and policies

RESET ROLE;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA bmu FROM PUBLIC;
GRANT USAGE ON SCHEMA bmu TO bmuid, bmuid_admin, bmuid_auth, bmuid_public;
GRANT USAGE ON TYPE bmu.textrange TO PUBLIC;
-- The constructor of a range belongs to the superuser; the index of uid_history and its ANALYZE need it.
GRANT EXECUTE ON FUNCTION bmu.textrange(text, text, text) TO PUBLIC;
SET search_path TO bmu;

-- bmuid: intake, rating, bill run.
GRANT SELECT ON ALL TABLES IN SCHEMA bmu TO bmuid;
REVOKE ALL ON login, session, entered, audit FROM bmuid;
GRANT USAGE ON SEQUENCE udr_block TO bmuid;
GRANT INSERT (source_id, sha256, name, octets, decoded_octets, lines, parts, revision, profile, profile_version, assembly,
    header, time_zone, country_code, trunk_prefix, international_prefix, routing_prefixes, extras, state, held, stream_day),
    UPDATE (state, held, done_at, decoded_octets, lines, parts, revision, profile, profile_version, assembly, header, time_zone,
    country_code, trunk_prefix, international_prefix, routing_prefixes, extras, new, duplicate, suspended, rejected)
    ON usage_file TO bmuid;
GRANT INSERT (file_id), DELETE ON original_dropped TO bmuid;
GRANT INSERT (source_id, name, reason), UPDATE (reason, since), DELETE ON file_waiting TO bmuid;
GRANT INSERT (file_id, part, state) ON usage_file_part TO bmuid;
GRANT INSERT ON usage_event TO bmuid;
GRANT USAGE ON SEQUENCE usage_session_id TO bmuid;
GRANT INSERT, DELETE, UPDATE (node, name, profile, profile_version, state, rows, told, emissions, last_at, due_at,
    close_why, detail) ON usage_session TO bmuid;
GRANT INSERT (source_id, profile, profile_version, rows, emissions, lines), UPDATE (file_id) ON usage_batch TO bmuid;
GRANT INSERT, DELETE, UPDATE (batch_id) ON usage_emission TO bmuid;
GRANT INSERT (tracking, source_id, key, body_sha256, sha256, rows) ON source_batch TO bmuid;
GRANT INSERT (id, event_key, source_id, key, account_id, account_service_id, usage_class, uid_type, uid, origin,
    destination, extras, started_at, wanted, quantity, money_e11, currency, expires_at),
    UPDATE (step, wanted, quantity, money_e11, state, expires_at, ended_at) ON reservation TO bmuid;
-- The right to lock the row; the limit itself stays out of reach.
GRANT UPDATE (account_id) ON account_credit TO bmuid;
GRANT INSERT ON request_key TO bmuid;
GRANT EXECUTE ON FUNCTION credit_left(bigint) TO bmuid, bmuid_admin;
GRANT UPDATE (state, blocked, next_line, next_octet, oldest_day, began_at, moved_at, new, duplicate, suspended, rejected)
    ON usage_file_part TO bmuid;
GRANT INSERT ON usage_key, verdict, charge, charge_reversal, draw, draw_by_day, invoice_line, invoice_charge,
    invoice_credit, invoice_period TO bmuid;
GRANT UPDATE (reason, detail, tried_at, resolved_at, account_id, started_at, udr_id) ON verdict TO bmuid;
GRANT INSERT (actor, account_id, reason, since) ON suspense_job TO bmuid;
GRANT UPDATE (state, done_at, last_file_id, last_line_no, tried, resolved) ON suspense_job TO bmuid;
GRANT INSERT (account_id, oldest) ON rework TO bmuid;
GRANT UPDATE (state, revision, done_at, not_before) ON rerating TO bmuid;
GRANT INSERT (rerating_id, account_id, package, from_at),
    UPDATE (state, records, changed, unratable, invoiced, old_e11, old_tax_e11, new_e11, new_tax_e11, recurring_e11,
        recurring_tax_e11, took_us) ON rerating_account TO bmuid;
GRANT INSERT (account_id, account_service_id, share_id, code, during, unit, granted, for_tree, part, carried_from, tiers,
    repeat_last) ON bucket TO bmuid;
GRANT INSERT, UPDATE (brought, drawn) ON participation TO bmuid;
-- The right to lock a bucket's row, and to note a warning, or what it has grown with; the balance itself stays out of reach.
GRANT UPDATE (warned, measured) ON bucket TO bmuid;
-- The right to lock an account's row, while what begins with its first use may begin, and a share's, while what is
-- brought to it is counted; an id can't change.
GRANT UPDATE (id) ON account, share TO bmuid;
GRANT INSERT (kind, account_id, currency) ON ledger_account TO bmuid;
GRANT INSERT (idempotency_key, kind, posted_on, reverses) ON journal TO bmuid;
GRANT INSERT (journal_id, line_no, ledger_account_id, currency, amount_minor) ON posting TO bmuid;
GRANT INSERT, UPDATE ON invoice_number TO bmuid;
GRANT INSERT (account_id, number, kind, during, bill_run_id, journal_id, issued_at, issued_on, due_on, currency,
    net_minor, tax_minor, total_minor, customer_name) ON invoice TO bmuid;
GRANT UPDATE (state, done_at, last_account_id) ON bill_run TO bmuid;
GRANT INSERT (kind, dedup_key, payload, not_before) ON outbox TO bmuid;
GRANT UPDATE (last_file_id, newest, told, spoke_at) ON source_watch TO bmuid;
GRANT INSERT ON file_number TO bmuid;
GRANT INSERT (kind, source_id, first_no, last_no, file_id, since, due_at, raised_at), UPDATE (last_no, raised_at, cleared_at) ON alarm TO bmuid;
GRANT INSERT, UPDATE ON pulled, pull_state TO bmuid;
GRANT UPDATE (state, not_before, tries) ON outbox TO bmuid;
GRANT EXECUTE ON FUNCTION ensure_day(date), bucket_above(bigint, bigint), audit_hash(bytea, text[]),
    audit_add(text, text, text, text, text, text, text) TO bmuid;

-- bmuid_admin: the admin door. Sees all but secrets; changes parties and catalogue; never usage or money.
GRANT SELECT ON ALL TABLES IN SCHEMA bmu TO bmuid_admin;
REVOKE ALL ON login, session, entered FROM bmuid_admin;
GRANT SELECT (id, account_id, name, disabled, failures) ON login TO bmuid_admin;
GRANT SELECT (login_id, account_id, created_at, seen_at, ends_at, ended) ON session TO bmuid_admin;
GRANT UPDATE (ended) ON session TO bmuid_admin;
GRANT INSERT, UPDATE ON company TO bmuid_admin;
GRANT INSERT (actor, note) ON revision TO bmuid_admin;
GRANT INSERT (number, name, parent_id, currency, country, time_zone, bill_day) ON account TO bmuid_admin;
GRANT INSERT, UPDATE (until) ON usage_class, location, location_pattern, location_group, holiday_calendar,
    time_period, rounding, rate_plan, rate_group, rate, bucket_type, share_plan, reclass, tax, tax_code, price_plan,
    package, company_terms TO bmuid_admin;
GRANT INSERT (account_id, package, during), UPDATE (during) ON account_service TO bmuid_admin;
GRANT INSERT, UPDATE (limit_minor), DELETE ON account_credit TO bmuid_admin;
GRANT INSERT, UPDATE (until) ON account_terms, service_terms TO bmuid_admin;
GRANT INSERT (account_id, share_plan, from_at, since) ON share TO bmuid_admin;
GRANT INSERT (share_id, account_id, during, contribution, since), UPDATE (until) ON share_member TO bmuid_admin;
GRANT INSERT (uid_type, value, account_id, account_service_id, during, since), UPDATE (until)
    ON uid_history TO bmuid_admin;
GRANT INSERT (code, name, profile, time_zone, country_code, trunk_prefix, international_prefix, routing_prefixes, extras,
    completion, quiet_seconds, octets_max, lines_a_day_max, days_back, minutes_ahead, uid_types, services, sequence_pattern,
    sequence_first, sequence_last, late_minutes, silent_minutes),
    UPDATE (name, profile, time_zone, country_code, trunk_prefix, international_prefix, routing_prefixes, extras,
    completion, quiet_seconds, octets_max, lines_a_day_max, days_back, minutes_ahead, uid_types, services, sequence_pattern,
    sequence_first, sequence_last, late_minutes, silent_minutes) ON source TO bmuid_admin;
GRANT INSERT (source_id, since_file_id, last_file_id), UPDATE (since_file_id, last_file_id, newest, spoke_at) ON source_watch TO bmuid_admin;
GRANT UPDATE (cleared_at, cleared_by) ON alarm TO bmuid_admin;
GRANT INSERT (id, source_id, kind, note, fingerprint, public_key, created_by), UPDATE (revoked_at) ON source_key TO bmuid_admin;
GRANT INSERT (code, version, document, actor) ON profile TO bmuid_admin;
GRANT UPDATE (close_why) ON usage_session TO bmuid_admin;
GRANT INSERT (as_of, actor) ON bill_run TO bmuid_admin;
GRANT INSERT (actor, reason, source, file_id, line_no, uid, since, until, as_new) ON suspense_job TO bmuid_admin;
GRANT INSERT (actor, packages, accounts, from_at, to_at, usage_class, source, due_to, accounts_a_second),
    UPDATE (state, revision, run_by, accounts_a_second) ON rerating TO bmuid_admin;
GRANT INSERT (account_id, from_at, cause, revision) ON rerating_due TO bmuid_admin;
GRANT INSERT (account_id, name, password), UPDATE (password, disabled, failures) ON login TO bmuid_admin;
GRANT INSERT ON request_key TO bmuid_admin;
GRANT EXECUTE ON FUNCTION audit_hash(bytea, text[]), audit_add(text, text, text, text, text, text, text),
    audit_broken_at(), file_unblock(bigint), file_hold(bigint, text), file_dismiss(bigint, text), file_release(bigint), file_replay(bigint),
    bucket_above(bigint, bigint), shared_buckets(bigint, tstzrange) TO bmuid_admin;

-- bmuid_auth: checks passwords, opens sessions, and can do nothing else.
GRANT EXECUTE ON FUNCTION login_try(text), login_failed(bigint), session_open(bigint, bytea, text),
    audit_hash(bytea, text[]), audit_add(text, text, text, text, text, text, text) TO bmuid_auth;
GRANT SELECT ON schema_version TO bmuid_auth;

-- bmuid_public: the public door. Rows of the customer whose live token was entered in this transaction, and
-- the catalogue that explains them.
GRANT SELECT ON company, company_terms, usage_class, location, location_pattern, location_group, holiday_calendar,
    time_period, rounding, rate_plan, rate_group, rate, bucket_type, share_plan, reclass, tax, tax_code, price_plan,
    package, schema_version TO bmuid_public;
GRANT SELECT ON account, account_service, uid_history, udr, charge, charge_reversal, bucket, draw, invoice,
    invoice_line, invoice_charge TO bmuid_public;
GRANT EXECUTE ON FUNCTION enter(text), entered_account(), leave(text), bucket_above(bigint, bigint),
    shared_buckets(bigint, tstzrange), audit_hash(bytea, text[]),
    audit_add(text, text, text, text, text, text, text) TO bmuid_public;
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['account', 'account_service', 'uid_history', 'charge', 'charge_reversal',
        'bucket', 'draw', 'invoice', 'invoice_line', 'invoice_charge'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format(
            'CREATE POLICY %I ON %I FOR SELECT TO bmuid_public USING (%I = (SELECT bmu.entered_account()))',
            name || '_own', name, CASE WHEN name = 'account' THEN 'id' ELSE 'account_id' END
        );
        EXECUTE format(
            'CREATE POLICY %I ON %I TO bmuid, bmuid_admin USING (true) WITH CHECK (true)', name || '_staff', name
        );
    END LOOP;
END $$;
RESET search_path;
