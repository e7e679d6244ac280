import logging

from odoo import http
from odoo.http import request

from ..exceptions import MailOAuth2Error, SignInRejectedError
from ..models.mail_oauth2_app import REDIRECT_PATH
from ..models.mail_oauth2_authorization import CHOICE_PATH
from ..models.mailbox_admin_consent import CONSENT_STATE
from ..providers import Grant

_logger = logging.getLogger(__name__)

#: characters of one parameter; a code has at most 256 at Google, about 2,000 at Microsoft
LONGEST_PARAMETER = 8192


class SignInController(http.Controller):
    """Where the provider sends the browser back to."""

    # Public, because an administrator who approves the app need not be a user of this Odoo, and
    # providers send everybody to one and the same address.
    @http.route(REDIRECT_PATH, type="http", auth="public", methods=["GET"], readonly=False)
    def callback(self, **params):
        """Finish a sign-in and return to the screen it was begun on.

        Everything in ``params`` is untrusted: it came through the browser. Where to go
        afterwards is read from the database, never from the request.
        """
        if is_administrators_answer(params):
            return self._thank_administrator(params)
        # As auth="user" would: whoever is not logged in goes to the login and comes back.
        request.env["ir.http"]._auth_method_user()
        sign_in = {}
        try:
            self._check_parameters(params)
            sign_in = self._authorizations()._consume(params.get("state"))
            if "sign_in" not in sign_in["pending"]:
                raise SignInRejectedError("sign_in_state")
            url = self._mailbox(sign_in)._finish_sign_in(sign_in["pending"], params)
            return request.redirect(url, local=False)
        except MailOAuth2Error as error:
            return self._show_error(error, sign_in)

    @http.route(CHOICE_PATH, type="http", auth="user", methods=["GET"], readonly=False)
    def ask_about_account(self, state=None, **_ignored):
        """Ask what to do with an account that is not the one the mailbox expects."""
        try:
            sign_in = self._authorizations()._peek(state)
            grant = self._grant(sign_in)
        except MailOAuth2Error as error:
            return self._show_error(error, {})
        mailbox = self._mailbox(sign_in)
        accounts = mailbox._accounts(grant)
        values = {"state": state, "return_url": sign_in["return_url"], **accounts}
        return self._page("mail_server_oauth2.sign_in_account", values)

    @http.route(CHOICE_PATH, type="http", auth="user", methods=["POST"])
    def choose_account(self, state=None, choice=None, **_ignored):
        """Connect the mailbox as the user chose, or begin anew."""
        sign_in = {}
        try:
            sign_in = self._authorizations()._consume(state)
            mailbox = self._mailbox(sign_in)
            grant = self._grant(sign_in)
            if choice in ("send_as", "use_address"):
                url = mailbox._choose_account(grant, choice)
            else:
                url = mailbox._begin_sign_in()
            return request.redirect(url, local=False)
        except MailOAuth2Error as error:
            return self._show_error(error, sign_in)

    def _authorizations(self):
        return request.env["mail.oauth2.authorization"]

    def _mailbox(self, sign_in):
        """Return the mailbox, which leads back to the screen that the sign-in was begun on."""
        mailboxes = request.env["mail.oauth2.mailbox"].with_context(
            mail_oauth2_screen=sign_in["return_url"]
        )
        return mailboxes.browse(sign_in["mailbox_id"])

    def _grant(self, sign_in):
        if "grant" not in sign_in["pending"]:
            raise SignInRejectedError("sign_in_state")
        return Grant.from_dict(sign_in["pending"]["grant"])

    def _check_parameters(self, params):
        if any(len(value) > LONGEST_PARAMETER for value in params.values()):
            raise SignInRejectedError("sign_in_state")

    def _show_error(self, error, sign_in):
        """Show what went wrong.

        :param dict sign_in: what is known of the sign-in, empty where it is not the user's own
        """
        _logger.warning("A mail sign-in failed: %s", error)
        mailbox = request.env["mail.oauth2.mailbox"]
        if sign_in:  # somebody may have deleted the mailbox meanwhile
            mailbox = self._mailbox(sign_in).exists()
        values = {
            "words": mailbox._words_for(error),
            "return_url": sign_in.get("return_url") or self._authorizations()._remembered_screen(),
            "consent_url": mailbox and mailbox._admin_consent_url(error),
        }
        return self._page("mail_server_oauth2.sign_in_failed", values)

    def _thank_administrator(self, params):
        """Show an administrator that the answer has arrived; it is neither used nor believed."""
        values = {"is_refused": "error" in params}
        return self._page("mail_server_oauth2.admin_consent_answered", values)

    def _page(self, template, values):
        headers = {"Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}
        return request.render(template, values, headers=headers)


def is_administrators_answer(params):
    """Tell whether somebody comes from the page on which administrators approve the app.

    https://learn.microsoft.com/entra/identity-platform/v2-admin-consent#successful-response
    """
    return "admin_consent" in params or params.get("state") == CONSENT_STATE
