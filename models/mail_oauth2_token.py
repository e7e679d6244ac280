import logging
import secrets
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from psycopg2 import errors as pg_errors

from odoo import SUPERUSER_ID, fields, models
from odoo.tools import SQL

from ..exceptions import (
    ConfigurationError,
    MailOAuth2Error,
    SignInNeededError,
    StorageKeyError,
    TransientError,
)
from ..providers.base import AccessToken
from . import secret_cipher
from .remembered_error import RememberedError
from .token_memory import memory

_logger = logging.getLogger(__name__)

#: seconds before its end from which on an access token is no longer handed out
EARLY = 300
#: seconds another process may take for its refresh before this one gives up waiting
LOCK_TIMEOUT = 90
#: seconds without a call to the token endpoint after trouble without a Retry-After
PAUSE_AFTER_TROUBLE = 10
#: longest pause in seconds a token endpoint can ask for
LONGEST_PAUSE = 3600
#: seconds after which a configuration error is tried again by itself
CONFIGURATION_RETRY = 900
#: how often a waiting process looks again after another one wrote the row
LOCK_ATTEMPTS = 5


class MailOAuth2Token(models.Model):
    """The grant of one mailbox: the encrypted token cache, and what is known about it.

    The only place that reads and writes tokens. What came from the provider is written in a
    transaction of its own: a refresh token that was rotated must survive whatever becomes of
    the caller, and a caller in trouble must not undo that a grant was found dead. There are no
    access rights on this model, so nothing of it can be reached through RPC.
    """

    _name = "mail.oauth2.token"
    _inherit = "mail.oauth2.remembered.error"
    _description = "Mail OAuth2 Token"
    _rec_name = "mailbox_id"
    _log_access = False

    mailbox_id = fields.Many2one(
        "mail.oauth2.mailbox", required=True, ondelete="cascade", readonly=True
    )
    state = fields.Selection(
        [
            ("none", "No grant"),
            ("granted", "Granted"),
            ("refused", "Refused by the provider"),
            ("configuration", "Configuration error"),
        ],
        required=True,
        default="none",
    )
    revision = fields.Char(required=True, default=lambda self: secrets.token_hex(8))
    grant_encrypted = fields.Text(groups=fields.NO_ACCESS, prefetch=False)
    access_tokens_encrypted = fields.Text(groups=fields.NO_ACCESS, prefetch=False)
    key_fingerprint = fields.Char()

    account_subject = fields.Char()
    account_address = fields.Char()
    account_name = fields.Char()
    account_tenant = fields.Char()
    authenticated_on = fields.Datetime()
    authenticated_by_id = fields.Many2one("res.users", ondelete="set null")
    renewed_on = fields.Datetime(help="When the provider last handed out a refresh token.")
    used_on = fields.Datetime(help="When the refresh token was last used.")
    access_valid_until = fields.Datetime()
    scopes = fields.Char()

    broken_since = fields.Datetime(help="Since when no mail can leave until a person has acted.")
    retry_on = fields.Datetime(help="No call to the token endpoint before this time.")

    _unique_mailbox = models.Constraint("UNIQUE(mailbox_id)", "One grant per mailbox.")

    # ------------------------------------------------------------
    # READING
    # ------------------------------------------------------------

    def _access_token(self, resource, *, refused=None):
        """Return a valid access token for a resource of this mailbox.

        Memory first, then the row, then a refresh under a lock: any number of processes makes
        one call to the provider per expiry.

        :param refused: an :class:`AccessToken` that the resource has just refused; another
            one is returned
        :rtype: AccessToken
        :raises SignInNeededError, ConfigurationError, StorageKeyError, TransientError:
        """
        self.ensure_one()
        revision = self._current_revision()
        token = memory.get(self._memory_key(resource), revision)
        if self._is_usable(token, refused):
            return token
        with self._own_transaction() as grant:
            token = grant._stored_token(resource)
        if self._is_usable(token, refused):
            return token
        return self._refresh(resource, refused)

    def _fresh_access_token(self, resource):
        """Return a token that the provider has handed out just now: a live check of the grant.

        Asks even if the grant was refused before: an administrator may have mended it.
        """
        self.ensure_one()
        with self._own_transaction() as grant:
            stored = grant._stored_token(resource)
        return self._refresh(resource, refused=stored, ignore_pause=True)

    def _current_revision(self):
        # Plain SQL: the ORM's cache would hide what other processes have written.
        rows = self.env.execute_query(
            SQL("SELECT revision FROM mail_oauth2_token WHERE id = %s", self.id)
        )
        return rows[0][0] if rows else None

    def _memory_key(self, resource):
        return (self.env.cr.dbname, self.id, resource)

    @staticmethod
    def _is_usable(token, refused):
        return (
            token is not None
            and token.expires_at - EARLY > time.time()
            and (refused is None or token.value != refused.value)
        )

    def _stored_token(self, resource):
        """Return the token of the row and remember it; ``None`` if there is none.

        :raises SignInNeededError: the mailbox is not there, or not there yet for anybody else
        """
        if not self.exists():
            raise SignInNeededError("not_connected")
        if self.state != "granted":
            return None
        stored = self._open("access_tokens_encrypted", unreadable={}) or {}
        if resource not in stored:
            return None
        value, expires_at, scopes = stored[resource]
        token = AccessToken(value, expires_at, tuple(scopes))
        memory.put(self._memory_key(resource), self.revision, token)
        return token

    # ------------------------------------------------------------
    # REFRESHING
    # ------------------------------------------------------------

    def _refresh(self, resource, refused, ignore_pause=False):
        """Fetch a token under the row's lock, unless another process has just done so.

        :param ignore_pause: ask the provider whatever is known: a person waits for the truth
        """

        def look_and_ask(grant):
            before = grant.state
            result = grant._refresh_locked(resource, refused, ignore_pause)
            return before, result, grant.state

        before, result, after = self._under_lock(look_and_ask)
        # Whoever waits for the truth gets it as an answer.
        self._announce(before, after, result, answered=self.env.uid if ignore_pause else False)
        if isinstance(result, MailOAuth2Error):
            raise result
        return result

    def _announce(self, before, after, result, *, answered=False):
        """Tell people when a grant breaks or works again, after that is safely stored.

        :param answered: id of the user who hears of it anyhow
        """
        if before == after:
            return
        try:
            with self._own_transaction() as grant:
                if after == "granted":
                    grant.mailbox_id._close_incident(answered=answered)
                elif isinstance(result, MailOAuth2Error):
                    grant.mailbox_id._open_incident(result, answered=answered)
        except Exception:
            # Mail that could leave must not wait because nobody could be told.
            _logger.exception("Mailbox %s: could not tell people", self.mailbox_id.address)

    def _refresh_locked(self, resource, refused, ignore_pause):
        """Return a token, or the error to raise once what it says is committed."""
        token = self._stored_token(resource)
        if self._is_usable(token, refused):
            return token
        known = self._known_error(ignore_pause)
        if known:
            return known
        try:
            provider = self.mailbox_id.app_id._get_provider()
            cache = self._open("grant_encrypted")
            grant = provider.refresh(cache, resource=resource)
        except MailOAuth2Error as error:
            self._record_error(error)
            return error
        self._store_tokens(grant)
        return grant.tokens[resource]

    def _known_error(self, ignore_pause):
        """Return the error that a call to the provider would only repeat, else ``None``."""
        if self.state == "none":
            return SignInNeededError("not_connected")
        if self.state == "refused" and not ignore_pause:
            return self._last_error()
        pause = self._pause()
        if not ignore_pause and pause:
            error = self._last_error()
            if isinstance(error, TransientError):
                error.retry_after = pause
            return error
        return None

    def _pause(self):
        """Return the seconds in which the token endpoint is not to be called, 0 if it may be."""
        now = fields.Datetime.now()
        seconds = (self.retry_on - now).total_seconds() if self.retry_on else 0
        # What is further away was noted by a clock that was ahead.
        return seconds if 0 < seconds <= LONGEST_PAUSE else 0

    # ------------------------------------------------------------
    # WRITING
    # ------------------------------------------------------------

    def _store_sign_in(self, grant, user):
        """Keep what a sign-in brought home.

        :param grant: :class:`..providers.base.Grant` with an identity
        :param user: who pressed Authenticate
        """
        self.ensure_one()

        def keep(own):
            before = own.state
            own._write_sign_in(grant, user)
            return before

        self._announce(self._under_lock(keep), "granted", None)

    def _write_sign_in(self, grant, user):
        """Write what a sign-in brought home; called in an own transaction only."""
        self._store_tokens(grant)
        self.write(
            {
                "account_subject": grant.identity.subject,
                "account_address": grant.identity.address,
                "account_name": grant.identity.name,
                "account_tenant": grant.identity.tenant,
                "authenticated_on": fields.Datetime.now(),
                "authenticated_by_id": user.id,
            }
        )

    def _store_tokens(self, grant):
        """Write the provider's cache and the tokens; called in an own transaction only."""
        now = fields.Datetime.now()
        tokens = {
            **(self._open("access_tokens_encrypted", unreadable={}) or {}),
            **{
                name: [token.value, token.expires_at, list(token.scopes)]
                for name, token in grant.tokens.items()
            },
        }
        revision = secrets.token_hex(8)
        self.write(
            {
                "state": "granted",
                "revision": revision,
                "grant_encrypted": self._seal("grant_encrypted", grant.cache),
                "access_tokens_encrypted": self._seal("access_tokens_encrypted", tokens),
                "key_fingerprint": secret_cipher.fingerprint(),
                "used_on": now,
                "renewed_on": now if grant.renewed else self.renewed_on,
                "access_valid_until": self._latest_expiry(grant.tokens.values()),
                "scopes": " ".join(grant.scopes) or self.scopes,
                "broken_since": False,
                **self._no_error_values(),
            }
        )

    @staticmethod
    def _latest_expiry(tokens):
        expiries = [token.expires_at for token in tokens]
        if not expiries:
            return False
        return datetime.fromtimestamp(max(expiries), UTC).replace(tzinfo=None)

    def _record_error(self, error):
        """Remember an error; only a definite refusal changes what the grant is worth."""
        now = fields.Datetime.now()
        values = self._error_values(error)
        if isinstance(error, TransientError):
            pause = min(error.retry_after or PAUSE_AFTER_TROUBLE, LONGEST_PAUSE)
            values["retry_on"] = now + timedelta(seconds=pause)
        elif isinstance(error, ConfigurationError):
            values["state"] = "configuration"
            values["retry_on"] = now + timedelta(seconds=CONFIGURATION_RETRY)
        elif isinstance(error, StorageKeyError):
            # No pause: nobody is called before the secrets are open.
            values["state"] = "configuration"
        elif isinstance(error, SignInNeededError):
            values["state"] = "refused"
        if "state" in values:
            values["broken_since"] = self.broken_since or now
            # What processes remember ends too: all of them hold mail now, or none does.
            values["revision"] = secrets.token_hex(8)
        self.write(values)
        _logger.warning("Mailbox %s: %s", self.mailbox_id.address, error)

    def _note_error(self, error):
        """Show an error that says nothing about the grant, until a call succeeds."""
        self.ensure_one()
        self._under_lock(lambda grant: grant.write(grant._error_values(error)))

    def _forget_configuration_error(self):
        """The app registration was changed: what was wrong with it may be right now."""

        def forget(grant):
            if grant.exists() and grant.state in ("configuration", "granted"):
                state = "granted" if grant.grant_encrypted else "none"
                grant.write({"state": state, **grant._no_error_values()})

        for token in self:
            token._under_lock(forget)

    def _wipe(self):
        """Forget grant and tokens for good, whatever becomes of the caller."""
        for token in self:
            token._under_lock(lambda grant: grant._wipe_with_caller())

    def _wipe_with_caller(self):
        """Forget grant and tokens in the present transaction: if that fails, they stay."""
        self.write(
            {
                **dict.fromkeys(self._grant_fields(), False),
                **self._no_error_values(),
                "state": "none",
                "revision": secrets.token_hex(8),
                "broken_since": self.broken_since or fields.Datetime.now(),
            }
        )

    def _stored_cache(self):
        """Return the provider's token cache, to revoke the grant; ``None`` if there is none.

        :raises StorageKeyError:
        """
        self.ensure_one()
        with self._own_transaction() as grant:
            return grant._open("grant_encrypted")

    # ------------------------------------------------------------
    # HELPERS
    # ------------------------------------------------------------

    @contextmanager
    def _own_transaction(self):
        """Yield this record in a transaction of its own, committed at the end."""
        with self.env.registry.cursor() as cr:
            yield self.with_env(self.env(cr=cr, user=SUPERUSER_ID, su=True, context={}))

    def _under_lock(self, change):
        """Return what ``change(grant)`` returns, in an own transaction that locks the row first.

        A write without the lock would be lost, with whatever it brought, whenever another
        process refreshes at the same time.

        :raises TransientError: other processes did not let go of the row
        """
        for _attempt in range(LOCK_ATTEMPTS):
            try:
                with self._own_transaction() as grant:
                    grant._lock()
                    return change(grant)
            except pg_errors.SerializationFailure:
                # Another process wrote the row while this one waited: look at what it wrote.
                continue
            except pg_errors.LockNotAvailable as error:
                raise TransientError("token_busy") from error
        raise TransientError("token_busy")

    def _lock(self):
        cr = self.env.cr
        cr.execute("SELECT set_config('lock_timeout', %s, true)", [f"{LOCK_TIMEOUT}s"])
        query = SQL("SELECT id FROM mail_oauth2_token WHERE id = %s FOR UPDATE", self.id)
        cr.execute(query, log_exceptions=False)

    def _seal(self, name, value):
        return secret_cipher.encrypt(value, purpose=self._purpose(name))

    def _open(self, name, **fallback):
        """Return the plain value of an encrypted field.

        :param unreadable: returned instead of raising StorageKeyError
        """
        encrypted = self[name]
        if not encrypted:
            return None
        try:
            return secret_cipher.decrypt(encrypted, purpose=self._purpose(name))
        except StorageKeyError:
            if "unreadable" in fallback:
                return fallback["unreadable"]
            raise

    def _purpose(self, name):
        return f"mail.oauth2.mailbox/{self.mailbox_id.id}/{name}"

    @staticmethod
    def _no_error_values():
        return {**RememberedError._no_error_values(), "retry_on": False}

    @staticmethod
    def _grant_fields():
        return (
            "grant_encrypted",
            "access_tokens_encrypted",
            "key_fingerprint",
            "account_subject",
            "account_address",
            "account_name",
            "account_tenant",
            "authenticated_on",
            "authenticated_by_id",
            "renewed_on",
            "used_on",
            "access_valid_until",
            "scopes",
        )
