"""An edition of the roster"""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

# A row's key is wrapped anew where keys turn: that changes nobody.
_WATCHED = {
    "people": "role, name_sealed, called_sealed, phone_sealed, college_code, stand_in_id, language, active",
    "duties": 'college_code, role, person_id, days, start, "end"',
    "ladders": "obligation, college_code, step, after_s, targets",
}


def upgrade() -> None:
    op.create_table(
        "roster", sa.Column("id", sa.Integer, primary_key=True), sa.Column("edition", sa.String(36), nullable=False)
    )
    op.execute("INSERT INTO roster (id, edition) VALUES (1, 'first')")
    for statement in _postgresql() if op.get_bind().dialect.name == "postgresql" else _sqlite():
        op.execute(statement)


def _postgresql() -> Iterator[str]:
    yield """CREATE FUNCTION roster_changed() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN UPDATE roster SET edition = gen_random_uuid()::text; RETURN NULL; END $$"""
    for table, columns in _WATCHED.items():
        yield f"""CREATE TRIGGER {table}_changed AFTER INSERT OR DELETE OR TRUNCATE OR UPDATE OF {columns} ON {table}
                  FOR EACH STATEMENT EXECUTE FUNCTION roster_changed()"""


def _sqlite() -> Iterator[str]:
    anew = "UPDATE roster SET edition = lower(hex(randomblob(16)))"
    for table, columns in _WATCHED.items():
        for name, verb in (("new", "INSERT"), ("gone", "DELETE"), ("changed", f"UPDATE OF {columns}")):
            yield f"CREATE TRIGGER {table}_{name} AFTER {verb} ON {table} BEGIN {anew}; END"


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION roster_changed() CASCADE")
    else:
        for table in _WATCHED:
            for name in ("new", "gone", "changed"):
                op.execute(f"DROP TRIGGER {table}_{name}")
    op.drop_table("roster")
