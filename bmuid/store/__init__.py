"""Every SQL statement of the program; the only user of psycopg2."""
