from datetime import UTC, datetime

from odoo import models
from odoo.tools.misc import format_datetime

from ..exceptions import ConfigurationError, SignInNeededError
from ..transport import check_clock, check_network
from .diagnosis_steps import Finding


class MailOAuth2Diagnosis(models.TransientModel):
    """Checks of the way to the provider's sign-in, and of what it hands out."""

    _inherit = "mail.oauth2.diagnosis"

    def _check_sign_in_name(self):
        return self._https_name(self._sign_in_url())

    def _check_sign_in_port(self):
        return self._https_port(self._sign_in_url())

    def _check_sign_in_certificate(self):
        return self._https_certificate(self._sign_in_url())

    def _check_clock(self):
        url = self._sign_in_url()
        skew = self._ask(check_clock.clock_skew, url, at=check_network.host_and_port(url))
        seconds = round(abs(skew))
        if seconds <= check_clock.HARMLESS_SKEW:
            return Finding(self.env._("Agrees with the provider's clock."))
        if skew > 0:
            summary = self.env._("%(seconds)s seconds ahead of the provider's.", seconds=seconds)
        else:
            summary = self.env._("%(seconds)s seconds behind the provider's.", seconds=seconds)
        error = ConfigurationError("clock_skew", details={"seconds": seconds})
        if seconds > check_clock.HARMFUL_SKEW:
            raise error
        return Finding(summary, error)

    def _check_token(self):
        token = self.mailbox_id._grant_sudo()._fresh_access_token(self._resource())
        self.env.invalidate_all()  # the grant was written in a transaction of its own
        ends = datetime.fromtimestamp(token.expires_at, UTC).replace(tzinfo=None)
        return Finding(
            self.env._(
                "The provider has just handed one out. It is valid until %(time)s.",
                time=format_datetime(self.env, ends, dt_format="short"),
            )
        )

    def _check_token_contents(self):
        resource = self._resource()
        token = self.mailbox_id._access_token(resource)
        contents = self._app()._get_provider().inspect(token, resource=resource)
        return Finding(self._contents_in_words(contents), self._doubt(contents))

    def _doubt(self, contents):
        """Return what is odd about a token that may be good all the same."""
        if not contents.is_expected:
            details = {"audience": contents.audience}
            return ConfigurationError("token_wrong_audience", details=details)
        mailbox, kind = self.mailbox_id, self._kind()
        is_of_use = bool(kind.read_write_resource)
        if is_of_use and mailbox.read_write and not mailbox._uses_read_write(kind):
            return SignInNeededError("read_write_missing", details={"mailbox": mailbox.address})
        return None

    def _contents_in_words(self, contents):
        parts = [
            contents.audience and self.env._("For %(service)s", service=contents.audience),
            contents.account and self.env._("account %(address)s", address=contents.account),
            self.env._("permissions: %(names)s", names=" ".join(contents.permissions)),
        ]
        return "; ".join(part for part in parts if part)

    def _sign_in_url(self):
        return self._app()._get_provider().public_url
