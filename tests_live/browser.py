"""A person's browser at Odoo. Odoo's own application answers, in the process that asks."""

from __future__ import annotations

from urllib.parse import urlsplit

from werkzeug.test import Client

import odoo.http
from odoo.service import security

#: address people open Odoo at in these tests; nobody listens there
BASE_URL = "http://localhost:8069"


class Browser:
    """A browser in which somebody is logged in; any process can go on with it.

    :param database: :class:`odoo_library.Database`
    """

    def __init__(self, database, login="admin"):
        session = odoo.http.root.session_store.new()
        session.update(odoo.http.get_default_session(), db=database.name, _trace_disable=True)
        with database.environment() as env:
            user = env["res.users"].search([("login", "=", login)])
            session.uid, session.login = user.id, login
            session.context = dict(user.with_user(user).context_get())
            session.session_token = security.compute_session_token(session, env(user=user.id))
        odoo.http.root.session_store.save(session)
        self._session_id = session.sid

    def get(self, path, **query):
        """Return the answer to a GET request; redirects are not followed."""
        return self._client().get(path, query_string=query, base_url=BASE_URL)

    def call(self, model, method, *arguments, **options):
        """Call a method of a model as the web client does and return its result."""
        params = {"model": model, "method": method, "args": arguments, "kwargs": options}
        answer = self._client().post(
            f"/web/dataset/call_kw/{model}/{method}",
            json={"jsonrpc": "2.0", "method": "call", "params": params},
            base_url=BASE_URL,
        )
        if "error" in answer.json:
            raise AssertionError(answer.json["error"]["data"]["message"])
        return answer.json["result"]

    def _client(self):
        client = Client(odoo.http.root)
        client.set_cookie("session_id", self._session_id, domain=urlsplit(BASE_URL).hostname)
        return client
