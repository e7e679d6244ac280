from odoo import models
from odoo.tools import email_normalize

from ..exceptions import ConsentNeededError, MailOAuth2Error, SignInRejectedError


class MailOAuth2Mailbox(models.Model):
    """Connecting a mailbox and ending the connection."""

    _inherit = "mail.oauth2.mailbox"

    # ------------------------------------------------------------
    # SIGNING IN
    # ------------------------------------------------------------

    def _begin_sign_in(self, account=None, *, force_consent=False):
        """Return the address to send the browser to; remember the sign-in meanwhile.

        :param account: identity that the user has chosen to send with; none other is asked for
        :param force_consent: ask for consent again, see ``Provider.begin_sign_in``
        :raises MailOAuth2Error:
        """
        authorizations = self.env["mail.oauth2.authorization"]
        state = authorizations._new_state()
        sign_in = (
            self.sudo()
            .app_id._get_provider()
            .begin_sign_in(
                resources=self._resources_to_ask_for(),
                redirect_uri=self.sudo().app_id._get_redirect_uri(),
                state=state,
                login_hint=account.address if account else self.address,
                force_consent=force_consent,
            )
        )
        pending = {
            "sign_in": sign_in.pending,
            "chosen": account.subject if account else "",
            "force_consent": force_consent,
        }
        authorizations._begin(state, pending, self, self._return_url())
        return sign_in.url

    def _finish_sign_in(self, pending, params):
        """Redeem what the browser brought back from the provider.

        The grant is kept at once if the expected account signed in; else the user is asked.

        :param dict pending: what ``_begin_sign_in`` stored
        :param dict params: the query of the callback
        :return: where to go next: back to Odoo, or to the provider once more
        :raises MailOAuth2Error: nothing was stored
        """
        self.ensure_one()
        self._check_may_connect()
        provider = self.sudo().app_id._get_provider()
        try:
            grant = provider.finish_sign_in(
                pending["sign_in"], params, resources=self._resources_to_ask_for()
            )
        except ConsentNeededError:
            if pending["force_consent"]:
                raise
            return self._begin_sign_in(force_consent=True)
        return self._accept_grant(grant, pending["chosen"])

    def _accept_grant(self, grant, chosen=""):
        """Keep a grant if the expected account signed in; else let the user be asked.

        :return: the path to show next
        :raises SignInRejectedError: nobody is asked about a personal mailbox
        """
        if self._is_expected(grant.identity, chosen):
            self._keep_grant(grant)
            return self._return_url()
        if self.user_id:
            raise SignInRejectedError("sign_in_other_account", details=self._accounts(grant))
        return self.env["mail.oauth2.authorization"]._begin_choice(grant, self)

    def _is_expected(self, identity, chosen=""):
        """Tell whether nobody has to be asked about this account.

        It is the one that the user has just chosen, the one that was connected before, or, for
        a mailbox that never was, the mailbox's own.
        """
        known = chosen or self._grant_sudo().account_subject
        if known:
            return identity.subject == known
        return email_normalize(identity.address) == self.address

    def _keep_grant(self, grant):
        """Store a grant, write it down, and let the waiting mails go."""
        self._check_may_connect()
        self._grant_sudo()._store_sign_in(grant, self.env.user)
        self._write_down(
            self.env._(
                "Connected by %(user)s, signed in as %(account)s.",
                user=self.env.user.name,
                account=grant.identity.address or grant.identity.name,
            )
        )
        servers = self.sudo().with_context(active_test=False).server_ids
        # Core keeps a personal server archived until its owner has signed in.
        servers.filtered("owner_user_id").active = True
        servers._release_held_mails()

    def _write_down(self, text):
        """Add a line to the audit trail, in the name of whoever did it."""
        # sudo: employees may not write on their mailbox, but what they do is written down.
        self.sudo().message_post(body=text, author_id=self.env.user.partner_id.id)

    def _accounts(self, grant):
        """Return who signed in, for which mailbox, and who was signed in before."""
        before = self._grant_sudo()
        return {
            "address": self.address,
            "account": grant.identity.address,
            "account_name": grant.identity.name,
            "before": before.account_address if before.account_subject else "",
        }

    def _choose_account(self, grant, choice):
        """Do what the user answered when another account had signed in than expected.

        :param str choice: ``send_as`` (this mailbox with that account's rights) or
            ``use_address`` (that account's own address)
        :return: where to go next: back, or once more to the provider for a permission that
            sending as somebody else takes
        """
        self._check_may_connect()
        if choice == "use_address":
            self._take_address(grant.identity)
        self.shared = email_normalize(grant.identity.address) != self.address
        if any(resource not in grant.tokens for resource in self._resources_to_ask_for()):
            return self._begin_sign_in(grant.identity)
        self._keep_grant(grant)
        return self._return_url()

    def _take_address(self, identity):
        """Let this mailbox be the account's own.

        :raises SignInRejectedError: there is another mailbox of that address already
        """
        address = email_normalize(identity.address)
        if not address or address == self.address:
            return
        if self.search_count([("app_id", "=", self.app_id.id), ("address", "=", address)]):
            details = {"account": address, "address": self.address}
            raise SignInRejectedError("sign_in_address_taken", details=details)
        self.address = address

    # ------------------------------------------------------------
    # REMOVING
    # ------------------------------------------------------------

    def _disconnect(self):
        """End the grant: revoke it where the provider can, wipe it here, write it down.

        :return: whether the provider confirmed that the grant is revoked
        """
        self.ensure_one()
        self._check_may_connect()
        revoked = self._revoke()
        self._grant_sudo()._wipe()
        self.sudo().authorization_ids.unlink()
        self._write_down(self.env._("Connection removed by %(user)s.", user=self.env.user.name))
        return revoked

    def _drop_personal_server(self):
        """Let mail of a personal mailbox's owner leave through the company's server again."""
        # sudo: employees have no rights on mail servers, not even on their own.
        servers = self.sudo().with_context(active_test=False).server_ids.filtered("owner_user_id")
        servers._release_held_mails()
        servers.unlink()

    def _wipe_after_commit(self):
        """Forget the grants once what made them useless is stored; they are not revoked."""
        self.env.cr.postcommit.add(self._grant_sudo()._wipe)

    def _revoke(self):
        try:
            cache = self._grant_sudo()._stored_cache()
            return bool(cache) and self.sudo().app_id._get_provider().revoke(cache)
        except MailOAuth2Error:
            # What cannot be revoked is wiped all the same: removing always works.
            return False
