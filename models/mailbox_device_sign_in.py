import logging
import math
from datetime import UTC, datetime, timedelta

from psycopg2 import errors as pg_errors

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.tools import SQL

from ..exceptions import MailOAuth2Error, SignInRejectedError, TransientError
from ..providers import DEVICE_CODE_PROVIDERS
from .mail_oauth2_authorization import digest

_logger = logging.getLogger(__name__)

#: longest pause in seconds between two polls that a provider can ask for: the life of a code
LONGEST_INTERVAL = 900


def moment_of(timestamp):
    """Return seconds since the epoch as Odoo stores a moment: UTC without saying so."""
    return datetime.fromtimestamp(timestamp, UTC).replace(tzinfo=None)


class MailOAuth2Authorization(models.Model):
    """A sign-in on another device: what the provider is asked, and how often it may be."""

    _inherit = "mail.oauth2.authorization"

    poll_interval = fields.Integer(help="Seconds between two questions to the provider.")
    next_poll_on = fields.Datetime(help="The provider is not asked before this time.")

    @api.model
    def _begin_on_device(self, sign_in, mailbox):
        """Store a sign-in on another device; see :meth:`_begin`.

        :param sign_in: :class:`..providers.base.DeviceSignIn`
        :return: the state. No provider brings it back; it stays on this server
        """
        state = self._new_state()
        pending = {"device": sign_in.pending}
        authorization = self._begin(state, pending, mailbox, mailbox._return_url())
        authorization.write(
            {
                "expires_on": moment_of(sign_in.expires_at),
                "poll_interval": sign_in.interval,
                "next_poll_on": fields.Datetime.now() + timedelta(seconds=sign_in.interval),
            }
        )
        return state

    @api.model
    def _take_turn(self, state):
        """Return whether it is time to ask the provider; the next time is put off at once.

        In an own transaction, so that of any number of browsers one asks per interval.
        """
        query = SQL(
            """UPDATE mail_oauth2_authorization
                  SET next_poll_on = %(now)s + poll_interval * INTERVAL '1 second'
                WHERE state_hash = %(state)s AND next_poll_on <= %(now)s
            RETURNING id""",
            now=fields.Datetime.now(),
            state=digest(state),
        )
        try:
            with self.env.registry.cursor() as cr:
                return bool(self.env(cr=cr).execute_query(query))
        except pg_errors.SerializationFailure:  # another one has just taken it
            return False

    @api.model
    def _lengthen_interval(self, state, seconds):
        """Ask less often from now on, if the provider wants it; never more often."""
        query = SQL(
            """UPDATE mail_oauth2_authorization
                  SET poll_interval = GREATEST(poll_interval, %(seconds)s),
                      next_poll_on = %(now)s
                          + GREATEST(poll_interval, %(seconds)s) * INTERVAL '1 second'
                WHERE state_hash = %(state)s""",
            seconds=min(math.ceil(seconds), LONGEST_INTERVAL),
            now=fields.Datetime.now(),
            state=digest(state),
        )
        with self.env.registry.cursor() as cr:
            cr.execute(query)

    @api.model
    def _open_on_device(self, state, *, end=False):
        """Return the pending sign-in; see :meth:`_peek` and, for ``end``, :meth:`_consume`.

        :raises SignInRejectedError: ``device_code_ended``
        """
        try:
            return self._consume(state) if end else self._peek(state)
        except SignInRejectedError as error:
            raise SignInRejectedError("device_code_ended") from error


class MailOAuth2Mailbox(models.Model):
    """Connect a mailbox with a code that is entered on another device.

    For servers that the provider cannot send a browser back to. A dialogue shows the code and
    asks every few seconds; nothing waits in a worker of Odoo meanwhile.
    """

    _inherit = "mail.oauth2.mailbox"

    offers_device_code = fields.Boolean(compute="_compute_offers_device_code", compute_sudo=True)
    waits_for_device = fields.Boolean(compute="_compute_waits_for_device", compute_sudo=True)

    @api.depends("app_id.provider", "user_id")
    @api.depends_context("uid")
    def _compute_offers_device_code(self):
        for mailbox in self:
            offered = mailbox.app_id.provider in DEVICE_CODE_PROVIDERS
            mailbox.offers_device_code = offered and mailbox._may_get_device_code()

    def _may_get_device_code(self):
        """Tell whether the user may get a code that anybody can enter anywhere.

        Employees may not: they can set their own e-mail address to somebody else's, and send
        that person the code. In the browser it is themselves who sign in.
        """
        return not self.user_id or self.env.user.has_group("base.group_system")

    @api.depends("authorization_ids")
    def _compute_waits_for_device(self):
        now = fields.Datetime.now()
        for mailbox in self:
            pending = mailbox.authorization_ids.filtered(lambda row: row.expires_on > now)
            mailbox.waits_for_device = bool(pending) and all(pending.mapped("poll_interval"))

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_sign_in_on_another_device(self):
        """Open the dialogue that shows the code."""
        self.ensure_one()
        try:
            return self.env["mail.oauth2.device.sign.in"]._open(self)
        except MailOAuth2Error as error:
            raise self.env["mail.oauth2.error"]._user_error(error) from error

    # ------------------------------------------------------------
    # BUSINESS METHODS
    # ------------------------------------------------------------

    def _begin_device_sign_in(self):
        """Get a code from the provider and remember the sign-in meanwhile.

        :return: the :class:`..providers.base.DeviceSignIn`, and the state to poll with
        :raises MailOAuth2Error:
        """
        self.ensure_one()
        self._check_may_connect()
        if not self._may_get_device_code():
            raise AccessError(
                self.env._("Only an administrator can connect a personal mailbox with a code.")
            )
        provider = self.sudo().app_id._get_provider()
        sign_in = provider.begin_device_sign_in(resources=self._resources_to_ask_for())
        return sign_in, self.env["mail.oauth2.authorization"]._begin_on_device(sign_in, self)

    def _poll_device_sign_in(self, state):
        """Ask the provider whether the code was entered, at most once per interval.

        :return: the path to show next once somebody has signed in, ``None`` before
        :raises MailOAuth2Error: the sign-in has ended without a grant
        """
        self.ensure_one()
        self._check_may_connect()
        authorizations = self.env["mail.oauth2.authorization"]
        pending = authorizations._open_on_device(state)["pending"]
        if not authorizations._take_turn(state):
            return None
        try:
            grant = self._ask_for_device_grant(pending["device"])
        except TransientError as error:
            _logger.info("Mailbox %s: no answer about its sign-in: %s", self.address, error)
            authorizations._lengthen_interval(state, error.retry_after or 0)
            return None
        except MailOAuth2Error as error:
            authorizations._open_on_device(state, end=True)
            self._remember_refusal(error)
            raise
        if grant is None:
            return None
        # Cancelled in the meantime means cancelled: it fails here.
        authorizations._open_on_device(state, end=True)
        return self._accept_grant(grant)

    def _ask_for_device_grant(self, pending):
        provider = self.sudo().app_id._get_provider()
        return provider.poll_device_sign_in(pending, resources=self._resources_to_ask_for())

    def _cancel_device_sign_in(self, state):
        """Forget a sign-in that nobody waits for any longer; it may be gone already."""
        try:
            self.env["mail.oauth2.authorization"]._open_on_device(state, end=True)
        except MailOAuth2Error:
            _logger.debug("Mailbox %s: the sign-in to cancel has ended", self.address)


class ResCompany(models.Model):
    _inherit = "res.company"

    email_server_offers_device_code = fields.Boolean(
        compute="_compute_email_server_offers_device_code", groups="base.group_system"
    )

    @api.depends("email_server_provider")
    def _compute_email_server_offers_device_code(self):
        for company in self:
            offered = company.email_server_provider in DEVICE_CODE_PROVIDERS
            company.email_server_offers_device_code = offered

    def action_email_server_device_sign_in(self):
        server = self._email_server_or_explain()
        return server._mailbox_or_explain().action_sign_in_on_another_device()
