import logging

from odoo import http
from odoo.http import request

from ..exceptions import MailOAuth2Error, SignInRejectedError
from ..models.mail_oauth2_app import REDIRECT_PATH

_logger = logging.getLogger(__name__)

#: characters of one parameter; a code has at most 256 at Google, about 2,000 at Microsoft
LONGEST_PARAMETER = 8192


class SignInController(http.Controller):
    """Where the provider sends the browser back to."""

    @http.route(REDIRECT_PATH, type="http", auth="user", methods=["GET"], readonly=False)
    def callback(self, **params):
        """Finish a sign-in and return to the screen it was begun on.

        Everything in ``params`` is untrusted: it came through the browser. Where to go
        afterwards is read from the stored sign-in, never from the request.
        """
        sign_in = {}
        try:
            self._check_parameters(params)
            sign_in = request.env["mail.oauth2.authorization"]._consume(params.get("state"))
            mailbox = request.env["mail.oauth2.mailbox"].browse(sign_in["mailbox_id"])
            mailbox._finish_sign_in(sign_in["pending"], params)
        except MailOAuth2Error as error:
            _logger.warning("A mail sign-in failed: %s", error)
            return self._show(error, sign_in.get("return_url"))
        return request.redirect(sign_in["return_url"])

    def _check_parameters(self, params):
        if any(len(value) > LONGEST_PARAMETER for value in params.values()):
            raise SignInRejectedError("sign_in_state")

    def _show(self, error, return_url):
        words = request.env["mail.oauth2.error"]._explain_error(error)
        return request.render(
            "mail_server_oauth2.sign_in_failed",
            {"words": words, "return_url": return_url or "/odoo"},
            headers={"Referrer-Policy": "no-referrer", "Cache-Control": "no-store"},
        )
