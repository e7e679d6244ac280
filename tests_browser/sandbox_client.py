"""The control interface of the sandbox, see docs/sandbox.md."""

from urllib.parse import parse_qs, urlsplit

import requests

_TIMEOUT = 20  # seconds


class SandboxClient:
    """What tests ask of the stand-in for Microsoft and Google.

    :param described: contents of ``sandbox.json``
    """

    def __init__(self, described):
        self.described = described
        self.web = described["web"]
        self._http = requests.Session()
        self._http.trust_env = False
        self._http.verify = described["ca_file"]

    def __getitem__(self, provider):
        return self.described[provider]

    def reset(self, redirect_uri):
        """Go back to a fresh start in which both providers know one redirect URI."""
        self._post("reset")
        for provider in ("microsoft", "google"):
            self.register_redirect_uri(provider, redirect_uri)

    def sign_in(self, url, account):
        """Do what a person does on the provider's pages.

        :param url: where Odoo sends the browser to
        :return: where the provider sends the browser back to
        """
        scopes = parse_qs(urlsplit(url).query)["scope"][0].split()
        agreed = {"account": account, "decision": "accept", "scope": scopes}
        answer = self._http.post(url, data=agreed, allow_redirects=False, timeout=_TIMEOUT)
        if not answer.is_redirect:
            raise AssertionError(f"the provider sends nobody back: {answer.text}")
        return answer.headers["Location"]

    def fault(self, place, kind, *, times=None, **options):
        """Let requests at ``place`` go wrong, all of them unless ``times`` says how many."""
        self._post("faults", place=place, kind=kind, times=times, **options)

    def clear_faults(self):
        self._call("DELETE", "faults")

    def revoke(self, account):
        """End the grants of an account, as an administrator of the tenant would."""
        self._post("grants/revoke", account=account)

    def require_approval(self):
        """Let users of the tenant agree to nothing before an administrator has."""
        self._post("settings", admin_consent_required=True)

    def settings(self, **switches):
        """Change switches, see docs/sandbox.md."""
        self._post("settings", **switches)

    def live_grants(self, account):
        """Return the grants of an account that were not revoked."""
        grants = self._call("GET", "state")["grants"]
        return [row for row in grants if row["account"] == account and not row["dead"]]

    def register_redirect_uri(self, provider, *uris):
        """Let a provider send people back to these addresses and no other."""
        client_id = self[provider]["client_id"]
        self._post("clients", client_id=client_id, redirect_uris=list(uris))

    def wait_for_mail(self, count=1):
        """Return all delivered copies, once there are ``count`` of them."""
        rows = self._call("GET", "messages", params={"min_count": count, "timeout": 15})
        if len(rows) < count:
            raise AssertionError(f"{len(rows)} of {count} mails were delivered: {rows}")
        return rows

    def mails(self):
        """Return all copies that were delivered until now."""
        return self._call("GET", "messages")

    def _post(self, path, **body):
        return self._call("POST", path, json=body)

    def _call(self, method, path, **arguments):
        answer = self._http.request(method, f"{self.web}/api/{path}", timeout=_TIMEOUT, **arguments)
        answer.raise_for_status()
        return answer.json()
