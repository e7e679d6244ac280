"""Bring every stored secret under the first key, so that the other keys can be thrown away."""

from collections import Counter
from dataclasses import dataclass, field

from psycopg2 import errors as pg_errors

from odoo import api, models
from odoo.tools import SQL

from ..exceptions import StorageKeyError
from . import secret_cipher

#: Model → its columns that :mod:`.secret_cipher` has encrypted. A test finds any other.
ENCRYPTED_COLUMNS = {
    "mail.oauth2.app": ("client_secret_encrypted",),
    "mail.oauth2.token": ("grant_encrypted", "access_tokens_encrypted"),
    "mail.oauth2.authorization": ("pending_encrypted",),
    "mail.oauth2.take.over": ("previous_encrypted",),
}
#: Column that tells which key a row needs, where there is one.
FINGERPRINT_COLUMN = "key_fingerprint"

#: how often a row is looked at again after another process wrote it
ATTEMPTS = 5
#: seconds another process may hold a row
LOCK_TIMEOUT = 90


@dataclass
class RotationReport:
    """What became of the rows that hold secrets.

    :ivar rewritten: rows now under the first key, by model
    :ivar current: rows that already were, by model
    :ivar unreadable: names of rows that no key opens; nothing in them was changed
    :ivar busy: names of rows that other processes did not let go of
    """

    rewritten: Counter = field(default_factory=Counter)
    current: Counter = field(default_factory=Counter)
    unreadable: list = field(default_factory=list)
    busy: list = field(default_factory=list)

    @property
    def is_complete(self):
        """Whether the first key opens everything."""
        return not (self.unreadable or self.busy)


class MailOAuth2Token(models.Model):
    _inherit = "mail.oauth2.token"

    @api.model
    def _reencrypt(self):
        """Encrypt every stored secret with the first key, while Odoo works.

        Each row is rewritten in a transaction of its own, under its lock: a refresh that
        stores new tokens at the same time is waited for, and never overwritten. To do it again
        changes nothing.

        :rtype: RotationReport
        """
        report = RotationReport()
        for name, columns in ENCRYPTED_COLUMNS.items():
            for row_id in self._rows_with_secrets(name, columns):
                self._reencrypt_into(report, self.env[name].browse(row_id), columns)
        return report

    def _rows_with_secrets(self, name, columns):
        filled = SQL(" OR ").join(SQL("%s IS NOT NULL", SQL.identifier(col)) for col in columns)
        table = SQL.identifier(self.env[name]._table)
        with self.env.registry.cursor() as cr:
            cr.execute(SQL("SELECT id FROM %s WHERE %s ORDER BY id", table, filled))
            return [row_id for (row_id,) in cr.fetchall()]

    def _reencrypt_into(self, report, record, columns):
        try:
            changed = self._reencrypt_row(record, columns)
        except StorageKeyError:
            report.unreadable.append(self._row_name(record))
        except (pg_errors.SerializationFailure, pg_errors.LockNotAvailable):
            report.busy.append(self._row_name(record))
        else:
            (report.rewritten if changed else report.current)[record._name] += 1

    def _reencrypt_row(self, record, columns):
        """Return whether a row needed it.

        :raises StorageKeyError: one of its secrets opens with no key; the row stays as it is
        :raises SerializationFailure, LockNotAvailable: other processes did not let go of it
        """
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with self.env.registry.cursor() as cr:
                    return self._reencrypt_locked(cr, record, columns)
            except pg_errors.SerializationFailure:
                # Somebody wrote the row between our look at the table and the lock.
                if attempt == ATTEMPTS:
                    raise
        return False

    def _reencrypt_locked(self, cr, record, columns):
        cr.execute("SELECT set_config('lock_timeout', %s, true)", [f"{LOCK_TIMEOUT}s"])
        table, names = SQL.identifier(record._table), SQL(", ").join(map(SQL.identifier, columns))
        query = SQL("SELECT %s FROM %s WHERE id = %s FOR UPDATE", names, table, record.id)
        cr.execute(query, log_exceptions=False)
        secrets = dict(zip(columns, cr.fetchone() or (), strict=False))
        fresh = {
            name: secret_cipher.reencrypt(secret) for name, secret in secrets.items() if secret
        }
        changes = {name: secret for name, secret in fresh.items() if secret}
        if not changes:
            return False
        if FINGERPRINT_COLUMN in record._fields:
            changes[FINGERPRINT_COLUMN] = secret_cipher.fingerprint()
        assignments = SQL(", ").join(
            SQL("%s = %s", SQL.identifier(name), value) for name, value in changes.items()
        )
        cr.execute(SQL("UPDATE %s SET %s WHERE id = %s", table, assignments, record.id))
        return True

    def _row_name(self, record):
        """Return what a person finds the row by; no secret is part of it."""
        return f"{record._description} {record.id} ({record.sudo().display_name})"
