"""From priced usage and subscriptions to invoices and postings; nothing here knows a database."""
