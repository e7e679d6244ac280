import logging

from odoo import http
from odoo.http import request

from ..exceptions import MailOAuth2Error, SignInRejectedError
from ..models.mail_oauth2_app import REDIRECT_PATH
from ..models.mail_oauth2_authorization import CHOICE_PATH
from ..providers import Grant

_logger = logging.getLogger(__name__)

#: characters of one parameter; a code has at most 256 at Google, about 2,000 at Microsoft
LONGEST_PARAMETER = 8192


class SignInController(http.Controller):
    """Where the provider sends the browser back to."""

    @http.route(REDIRECT_PATH, type="http", auth="user", methods=["GET"], readonly=False)
    def callback(self, **params):
        """Finish a sign-in and return to the screen it was begun on.

        Everything in ``params`` is untrusted: it came through the browser. Where to go
        afterwards is read from the database, never from the request.
        """
        sign_in = {}
        try:
            self._check_parameters(params)
            sign_in = self._authorizations()._consume(params.get("state"))
            if "sign_in" not in sign_in["pending"]:
                raise SignInRejectedError("sign_in_state")
            url = self._mailbox(sign_in)._finish_sign_in(sign_in["pending"], params)
            return request.redirect(url, local=False)
        except MailOAuth2Error as error:
            return self._show_error(error, sign_in.get("return_url"))

    @http.route(CHOICE_PATH, type="http", auth="user", methods=["GET"], readonly=False)
    def ask_about_account(self, state=None, **_ignored):
        """Ask what to do with an account that is not the one the mailbox expects."""
        try:
            sign_in = self._authorizations()._peek(state)
            grant = self._grant(sign_in)
        except MailOAuth2Error as error:
            return self._show_error(error, None)
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
            return self._show_error(error, sign_in.get("return_url"))

    def _authorizations(self):
        return request.env["mail.oauth2.authorization"]

    def _mailbox(self, sign_in):
        return request.env["mail.oauth2.mailbox"].browse(sign_in["mailbox_id"])

    def _grant(self, sign_in):
        if "grant" not in sign_in["pending"]:
            raise SignInRejectedError("sign_in_state")
        return Grant.from_dict(sign_in["pending"]["grant"])

    def _check_parameters(self, params):
        if any(len(value) > LONGEST_PARAMETER for value in params.values()):
            raise SignInRejectedError("sign_in_state")

    def _show_error(self, error, return_url):
        _logger.warning("A mail sign-in failed: %s", error)
        words = request.env["mail.oauth2.error"]._explain_error(error)
        values = {"words": words, "return_url": return_url or "/odoo"}
        return self._page("mail_server_oauth2.sign_in_failed", values)

    def _page(self, template, values):
        headers = {"Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}
        return request.render(template, values, headers=headers)
