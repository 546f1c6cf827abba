"""The tables, as a list of steps that only grows: a database is brought up to date by the steps it has not seen."""

import sqlite3

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE attempts (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        client TEXT NOT NULL,
        service TEXT NOT NULL,
        country INTEGER NOT NULL,
        provider TEXT NOT NULL,
        upstream_service TEXT NOT NULL,
        hold INTEGER NOT NULL,
        lifetime INTEGER NOT NULL,
        several_sms INTEGER NOT NULL,
        fingerprint TEXT NOT NULL,
        outcome TEXT NOT NULL,
        reason TEXT NOT NULL DEFAULT '',
        upstream_id TEXT NOT NULL DEFAULT '',
        activation_id INTEGER,
        started_at REAL NOT NULL,
        ended_at REAL
    );
    CREATE INDEX attempts_buying ON attempts (client) WHERE outcome = 'buying';
    CREATE INDEX attempts_unknown ON attempts (id) WHERE outcome = 'unknown';

    CREATE TABLE activations (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        client TEXT NOT NULL,
        service TEXT NOT NULL,
        country INTEGER NOT NULL,
        provider TEXT NOT NULL,
        upstream_id TEXT NOT NULL,
        upstream_service TEXT NOT NULL,
        phone TEXT NOT NULL,
        operator TEXT NOT NULL,
        price INTEGER NOT NULL,
        refunded INTEGER NOT NULL DEFAULT 0,
        status TEXT NOT NULL,
        several_sms INTEGER NOT NULL,
        code TEXT NOT NULL DEFAULT '',
        created_at REAL NOT NULL,
        expires_at REAL NOT NULL,
        attempt_id INTEGER NOT NULL UNIQUE,
        fingerprint TEXT NOT NULL,
        delivered INTEGER NOT NULL DEFAULT 0
    );
    CREATE UNIQUE INDEX activations_rental ON activations (provider, upstream_id);
    CREATE INDEX activations_client ON activations (client, id);
    CREATE INDEX activations_open ON activations (client) WHERE status NOT IN ('finished', 'cancelled', 'expired');

    CREATE TABLE messages (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        provider TEXT NOT NULL,
        upstream_id TEXT NOT NULL,
        identity TEXT NOT NULL,
        activation_id INTEGER,
        code TEXT NOT NULL,
        text TEXT NOT NULL,
        sender TEXT NOT NULL,
        received_at REAL NOT NULL
    );
    CREATE UNIQUE INDEX messages_once ON messages (provider, upstream_id, identity);
    CREATE INDEX messages_activation ON messages (activation_id, id);

    CREATE TABLE ledger (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        at REAL NOT NULL,
        client TEXT NOT NULL,
        provider TEXT NOT NULL,
        activation_id INTEGER,
        attempt_id INTEGER NOT NULL,
        kind TEXT NOT NULL,
        amount INTEGER NOT NULL
    );

    -- Sums over the ledger, kept with every entry, so that no purchase has to add up the books.
    CREATE TABLE spending (client TEXT, day TEXT, amount INTEGER NOT NULL, PRIMARY KEY (client, day)) WITHOUT ROWID;
    CREATE TABLE accounts (
        provider TEXT PRIMARY KEY,
        booked INTEGER NOT NULL DEFAULT 0,
        opening INTEGER
    ) WITHOUT ROWID;

    CREATE TABLE probe (id INTEGER PRIMARY KEY CHECK (id = 1), at REAL NOT NULL);
    """,
    """
    ALTER TABLE attempts ADD COLUMN order_id TEXT NOT NULL DEFAULT '';
    CREATE INDEX attempts_order ON attempts (client, order_id) WHERE order_id != '';
    """,
    """
    CREATE TABLE deliveries (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        message_id INTEGER NOT NULL UNIQUE,
        activation_id INTEGER NOT NULL,
        client TEXT NOT NULL,
        url TEXT NOT NULL,
        state TEXT NOT NULL DEFAULT 'waiting',
        tries INTEGER NOT NULL DEFAULT 0,
        last_error TEXT NOT NULL DEFAULT '',
        queued_at REAL NOT NULL,
        next_try_at REAL
    );
    CREATE INDEX deliveries_due ON deliveries (client, next_try_at) WHERE state = 'waiting';
    CREATE INDEX deliveries_in_order ON deliveries (activation_id, id) WHERE state = 'waiting';
    """,
    """
    ALTER TABLE attempts ADD COLUMN hours INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE attempts ADD COLUMN url TEXT NOT NULL DEFAULT '';
    ALTER TABLE attempts ADD COLUMN renews INTEGER;
    CREATE INDEX attempts_renewals ON attempts (renews, id) WHERE renews IS NOT NULL;
    ALTER TABLE activations ADD COLUMN hours INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE activations ADD COLUMN until TEXT NOT NULL DEFAULT '';
    ALTER TABLE activations ADD COLUMN url TEXT NOT NULL DEFAULT '';
    CREATE INDEX activations_rents ON activations (client, id) WHERE hours > 0;
    """,
    """
    CREATE TABLE bids (
        attempt_id INTEGER PRIMARY KEY,
        client TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        upstream_id TEXT NOT NULL DEFAULT '',
        markup INTEGER NOT NULL,
        price INTEGER NOT NULL,
        state TEXT NOT NULL,
        why TEXT NOT NULL DEFAULT ''
    );
    CREATE UNIQUE INDEX bids_open ON bids (client, fingerprint) WHERE state IN ('open', 'withdrawing');
    CREATE INDEX bids_rental ON bids (upstream_id) WHERE upstream_id != '';
    CREATE INDEX bids_at_work ON bids (attempt_id) WHERE state IN ('open', 'withdrawing', 'won');
    """,
)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the database up to date; each step and its record in one transaction."""
    (done,) = connection.execute("PRAGMA user_version").fetchone()
    if done > len(MIGRATIONS):
        raise sqlite3.DatabaseError("it was written by a newer version of this program")
    for number, step in enumerate(MIGRATIONS[done:], start=done + 1):
        connection.executescript(f"BEGIN IMMEDIATE; {step} PRAGMA user_version = {number}; COMMIT;")
