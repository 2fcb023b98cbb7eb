"""The triggers that give the roster a new edition: a restore of single tables may leave them out.

Without them a process goes on with the roster that it has read, and rings whoever stood in it. Names and what they
watch are those of migrations 0013 and 0017.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from sqlalchemy import Connection, text

from ledger import tables as t
from ledger.store import kept

# A row's key is wrapped anew where keys turn: that changes nobody.
_WATCHED = {
    "people": "role, name_sealed, called_sealed, phone_sealed, college_code, stand_in_id, language, active",
    "duties": 'college_code, role, person_id, days, start, "end"',
    "ladders": "obligation, college_code, step, after_s, targets",
}
_THERE = "SELECT tgname FROM pg_trigger WHERE tgenabled IN ('O', 'A') AND tgrelid = ANY(ARRAY[{}]::regclass[])"
_FUNCTION = """CREATE OR REPLACE FUNCTION roster_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
               EXECUTE format('UPDATE %I.roster SET edition = gen_random_uuid()::text', TG_TABLE_SCHEMA);
               RETURN NULL; END $$"""


def missing(conn: Connection) -> list[str]:
    """Names of those that are not there, or switched off."""
    if conn.dialect.name == "postgresql":
        there = _THERE.format(", ".join(f"to_regclass('{table}')" for table in _WATCHED))
    else:
        there = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    known = set(conn.scalars(text(there)))
    return [name for name, _ in _made(conn.dialect.name) if name not in known]


def mend(conn: Connection) -> None:
    """Put back what is missing; the roster may have changed meanwhile, so it gets a new edition."""
    if not (gone := missing(conn)):
        return
    if conn.dialect.name == "postgresql":
        conn.execute(text(_FUNCTION))
    for name, (table, made) in _made(conn.dialect.name):
        if name in gone:
            if conn.dialect.name == "postgresql":
                conn.execute(text(f"DROP TRIGGER IF EXISTS {name} ON {table}"))
            conn.execute(text(made))
    if kept.edition(conn) is None:  # its row was lost in a restore
        conn.execute(t.roster.insert().values(id=1, edition=secrets.token_hex(16)))
    conn.execute(t.roster.update().values(edition=secrets.token_hex(16)))


def _made(dialect: str) -> Iterator[tuple[str, tuple[str, str]]]:
    """(name, (table, statement that makes it))."""
    for table, columns in _WATCHED.items():
        if dialect == "postgresql":
            name = f"{table}_changed"
            yield name, (table, f"CREATE TRIGGER {name} AFTER INSERT OR DELETE OR TRUNCATE OR UPDATE OF {columns} "
                                f"ON {table} FOR EACH STATEMENT EXECUTE FUNCTION roster_changed()")  # fmt: skip
            continue
        anew = "UPDATE roster SET edition = lower(hex(randomblob(16)))"
        for end, verb in (("new", "INSERT"), ("gone", "DELETE"), ("changed", f"UPDATE OF {columns}")):
            name = f"{table}_{end}"
            yield name, (table, f"CREATE TRIGGER {name} AFTER {verb} ON {table} BEGIN {anew}; END")
