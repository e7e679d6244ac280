"""What is asked of PostgreSQL."""

import re
from contextlib import contextmanager
from unittest.mock import patch

from odoo import sql_db
from odoo.tools import SQL

#: statements that change something, or lock a row against others
_WRITES = re.compile(r"\b(INSERT|UPDATE|DELETE|TRUNCATE|SHARE)\b", re.IGNORECASE)


@contextmanager
def recorded_statements():
    """Yield the list of SQL statements that this process makes meanwhile, as text."""
    statements = []
    execute = sql_db.Cursor.execute

    def recording(cursor, query, *arguments, **options):
        statements.append(query.code if isinstance(query, SQL) else str(query))
        return execute(cursor, query, *arguments, **options)

    with patch.object(sql_db.Cursor, "execute", recording):
        yield statements


def writes(statements):
    """Return those that change something or lock it."""
    return [statement for statement in statements if _WRITES.search(statement)]
