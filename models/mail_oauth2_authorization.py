import hashlib
import logging
import secrets
from datetime import timedelta

from odoo import SUPERUSER_ID, api, fields, models
from odoo.http import request
from odoo.tools import SQL, consteq

from ..exceptions import SignInRejectedError
from . import secret_cipher

_logger = logging.getLogger(__name__)

#: minutes in which a sign-in must come back
LIFETIME = 10
#: where the browser session keeps the value that binds it to its sign-ins
SESSION_KEY = "mail_server_oauth2_binding"


class MailOAuth2Authorization(models.Model):
    """A sign-in that has begun and not come back yet.

    The provider carries a random ``state`` through the browser; only its hash is stored. A row
    is bound to the user and the browser session that began it, lives ten minutes and is
    consumed once. There are no access rights on this model.
    """

    _name = "mail.oauth2.authorization"
    _description = "Pending Mail Sign-in"
    _log_access = False

    state_hash = fields.Char(required=True, readonly=True)
    mailbox_id = fields.Many2one("mail.oauth2.mailbox", required=True, ondelete="cascade")
    user_id = fields.Many2one("res.users", required=True, ondelete="cascade")
    session_hash = fields.Char(required=True)
    pending_encrypted = fields.Text(groups=fields.NO_ACCESS, prefetch=False)
    return_url = fields.Char(required=True)
    expires_on = fields.Datetime(required=True, index=True)

    _unique_state = models.Constraint("UNIQUE(state_hash)", "A state is never used twice.")

    @api.model
    def _new_state(self):
        return secrets.token_urlsafe(32)

    @api.model
    def _begin(self, state, pending, mailbox, return_url):
        """Store a pending sign-in of the current user in the current browser session.

        :param str state: value that the provider will bring back
        :param dict pending: what the provider needs to finish (PKCE verifier, nonce); a secret
        :param str return_url: path of this Odoo to show afterwards
        """
        state_hash = _hash(state)
        return self.sudo().create(
            {
                "state_hash": state_hash,
                "mailbox_id": mailbox.id,
                "user_id": self.env.uid,
                "session_hash": _hash(self._session_binding()),
                "pending_encrypted": secret_cipher.encrypt(pending, purpose=state_hash),
                "return_url": return_url,
                "expires_on": fields.Datetime.now() + timedelta(minutes=LIFETIME),
            }
        )

    @api.model
    def _consume(self, state):
        """Return the pending sign-in for a ``state`` and make it unusable, whatever follows.

        :return: dict ``mailbox_id, pending, return_url``
        :raises SignInRejectedError: unknown, used, expired, of another user or session
        """
        if not isinstance(state, str) or not 20 <= len(state) <= 200:
            raise SignInRejectedError("sign_in_state")
        state_hash = _hash(state)
        row = self._take(state_hash)
        if row is None or not self._is_mine(row):
            raise SignInRejectedError("sign_in_state")
        return {
            "mailbox_id": row["mailbox_id"],
            "return_url": row["return_url"],
            "pending": secret_cipher.decrypt(row["pending_encrypted"], purpose=state_hash),
        }

    def _take(self, state_hash):
        """Delete the row of this user and return it; one caller gets it, however many ask."""
        # An own transaction: a state stays used even if what follows is rolled back.
        with self.env.registry.cursor() as cr:
            rows = self.with_env(self.env(cr=cr, user=SUPERUSER_ID)).env.execute_query_dict(
                SQL(
                    """DELETE FROM mail_oauth2_authorization
                        WHERE state_hash = %s AND user_id = %s
                    RETURNING mailbox_id, session_hash, pending_encrypted, return_url, expires_on
                    """,
                    state_hash,
                    self.env.uid,
                )
            )
        return rows[0] if rows else None

    def _is_mine(self, row):
        return (
            consteq(row["session_hash"], _hash(self._session_binding()))
            and row["expires_on"] > fields.Datetime.now()
        )

    @api.model
    def _session_binding(self):
        """Return the random value that marks this browser session; made on first use."""
        if not request:
            return ""
        if not request.session.get(SESSION_KEY):
            request.session[SESSION_KEY] = secrets.token_urlsafe(32)
        return request.session[SESSION_KEY]

    @api.autovacuum
    def _gc_expired(self):
        self.sudo().search([("expires_on", "<", fields.Datetime.now())]).unlink()


def _hash(value):
    return hashlib.sha256(value.encode()).hexdigest()
