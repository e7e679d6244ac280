import hashlib
import re
import secrets
from datetime import timedelta
from urllib.parse import urlencode

from odoo import api, fields, models
from odoo.http import STORED_SESSION_BYTES, request
from odoo.tools import SQL, consteq

from ..exceptions import SignInRejectedError
from . import secret_cipher

#: minutes in which a sign-in must come back
LIFETIME = 10
#: page that asks what to do with another account than the expected one
CHOICE_PATH = "/mail_server_oauth2/account"
#: cookie with the screen that the last sign-in was begun on, for answers that belong to none
SCREEN_COOKIE = "mail_server_oauth2_screen"
#: seconds; longer than a sign-in lives, because it is meant for those that took too long
SCREEN_COOKIE_LIFETIME = 24 * 3600
#: paths of the web client, and nothing that could lead out of this Odoo
SCREEN_PATH = re.compile(r"/odoo(/[\w.-]+)*")


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
        self._remember_screen(return_url)
        state_hash = digest(state)
        return self.sudo().create(
            {
                "state_hash": state_hash,
                "mailbox_id": mailbox.id,
                "user_id": self.env.uid,
                "session_hash": digest(self._session_binding()),
                "pending_encrypted": secret_cipher.encrypt(pending, purpose=state_hash),
                "return_url": return_url,
                "expires_on": fields.Datetime.now() + timedelta(minutes=LIFETIME),
            }
        )

    @api.model
    def _begin_choice(self, grant, mailbox):
        """Store a grant until the user has said what to do with it.

        :return: path of the page that asks
        """
        state = self._new_state()
        self._begin(state, {"grant": grant.to_dict()}, mailbox, mailbox._return_url())
        return f"{CHOICE_PATH}?{urlencode({'state': state})}"

    @api.model
    def _consume(self, state):
        """Return the pending sign-in for a ``state`` and make it unusable, whatever follows.

        :return: dict ``mailbox_id, pending, return_url``
        :raises SignInRejectedError: unknown, used, expired, of another user or session
        """
        return self._opened(
            state,
            """DELETE FROM mail_oauth2_authorization
                WHERE state_hash = %s AND user_id = %s
            RETURNING mailbox_id, session_hash, pending_encrypted, return_url, expires_on""",
        )

    @api.model
    def _peek(self, state):
        """Return the same as :meth:`_consume`, and leave the sign-in as it is."""
        return self._opened(
            state,
            """SELECT mailbox_id, session_hash, pending_encrypted, return_url, expires_on
                 FROM mail_oauth2_authorization
                WHERE state_hash = %s AND user_id = %s""",
        )

    def _opened(self, state, query):
        if not isinstance(state, str) or not 20 <= len(state) <= 200:
            raise SignInRejectedError("sign_in_state")
        state_hash = digest(state)
        # An own transaction: a state stays used even if what follows is rolled back, and of
        # two callers at once only one gets the row.
        with self.env.registry.cursor() as cr:
            rows = self.env(cr=cr).execute_query_dict(SQL(query, state_hash, self.env.uid))
        if not rows or not self._is_mine(rows[0]):
            raise SignInRejectedError("sign_in_state")
        return {
            "mailbox_id": rows[0]["mailbox_id"],
            "return_url": rows[0]["return_url"],
            "pending": secret_cipher.decrypt(rows[0]["pending_encrypted"], purpose=state_hash),
        }

    def _is_mine(self, row):
        return (
            consteq(row["session_hash"], digest(self._session_binding()))
            and row["expires_on"] > fields.Datetime.now()
        )

    @api.model
    def _session_binding(self):
        """Return what marks this browser session.

        The half of the session's id that survives its rotation, as core does for its list of
        devices. Nothing is put into the session itself: a request that runs at the same time
        could write it back without it.
        """
        return request.session.sid[:STORED_SESSION_BYTES] if request else ""

    @api.model
    def _remember_screen(self, path):
        """Let the browser keep the screen: an answer that comes twice or too late names none."""
        if request:
            request.future_response.set_cookie(
                SCREEN_COOKIE,
                path,
                max_age=SCREEN_COOKIE_LIFETIME,
                expires=None,
                path="/mail_server_oauth2",
                httponly=True,
                samesite="Lax",
            )

    @api.model
    def _remembered_screen(self):
        """Return the path that :meth:`_remember_screen` left in this browser, or the home page."""
        return screen_path(request.httprequest.cookies.get(SCREEN_COOKIE)) or "/odoo"

    @api.autovacuum
    def _gc_expired(self):
        self.sudo().search([("expires_on", "<", fields.Datetime.now())]).unlink()


def digest(value):
    """Return what is stored of a value that nobody should be able to read back."""
    return hashlib.sha256(value.encode()).hexdigest()


def screen_path(value):
    """Return a path that leads to a screen of this Odoo, and an empty string for anything else."""
    return value if isinstance(value, str) and SCREEN_PATH.fullmatch(value) else ""
