"""The customer's pages: ask the daemon, write HTML; no script, no database, no secret kept."""
