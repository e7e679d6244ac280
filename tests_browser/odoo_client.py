"""Odoo's data behind the screens, through the same calls that its web client makes."""

import time

import requests

_TIMEOUT = 60  # seconds; the first call may wait for Odoo to load its registry


class OdooError(Exception):
    """Odoo refused a call. Says what the web client would show."""


class OdooClient:
    """A logged-in session of Odoo.

    :param url: address of Odoo
    """

    def __init__(self, url, database, login="admin", password="admin"):
        self.url = url
        self._http = requests.Session()
        self._http.trust_env = False
        login = {"db": database, "login": login, "password": password}
        self._post("/web/session/authenticate", login)

    @property
    def session_id(self):
        """The session cookie: whoever has it is logged in."""
        return self._http.cookies["session_id"]

    def call(self, model, method, *args, **kwargs):
        """Call a model's method and return its result."""
        params = {"model": model, "method": method, "args": args, "kwargs": kwargs}
        return self._post(f"/web/dataset/call_kw/{model}/{method}", params)

    def search(self, model, *domain):
        """Return the ids of the records that match, archived ones too."""
        return self.call(model, "search", list(domain), context={"active_test": False})

    def read(self, model, record_id, *names):
        """Return some fields of one record as a dict."""
        return self.call(model, "read", [record_id], list(names))[0]

    def create(self, model, **values):
        """Create one record and return its id."""
        return self.call(model, "create", values)

    def write(self, model, record_ids, **values):
        self.call(model, "write", record_ids, values)

    def delete_all(self, model, *domain):
        """Delete the records that match."""
        if record_ids := self.search(model, *domain):
            self.call(model, "unlink", record_ids)

    def open(self, url):
        """Open an address in this session, as the browser does after a redirect."""
        self._http.get(url, timeout=_TIMEOUT).raise_for_status()

    def run_mail_queue(self):
        """Run the scheduled action that sends queued mail, as its button *Run Manually* does.

        Odoo may be at it already, by itself; then it runs once more afterwards.
        """
        cron = self.record("mail", "ir_cron_mail_scheduler_action")
        end = time.monotonic() + _TIMEOUT
        while True:
            try:
                return self.call("ir.cron", "method_direct_trigger", [cron])
            except OdooError as error:
                if "already executing" not in str(error) or time.monotonic() > end:
                    raise

    def record(self, module, name):
        """Return the id of the record that a module calls by a name."""
        data = [("module", "=", module), ("name", "=", name)]
        (row,) = self.call("ir.model.data", "search_read", data, ["res_id"])
        return row["res_id"]

    def _post(self, path, params):
        body = {"jsonrpc": "2.0", "method": "call", "params": params}
        answer = self._http.post(self.url + path, json=body, timeout=_TIMEOUT)
        answer.raise_for_status()
        content = answer.json()
        if error := content.get("error"):
            raise OdooError(error["data"]["message"])
        return content.get("result")
