"""Start Odoo, open forms as an administrator does, and print what that loaded and called.

Called with JSON: a list of ``[model, external id of a form view, record id]``. Prints JSON:
``modules`` (those that are loaded) and ``connections`` (what sockets were asked for).
"""

import json
import os
import sys

_WATCHED = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto")
_connections = []


def _watch(event, arguments):
    if event in _WATCHED:
        _connections.append(f"{event} {arguments[-1]!r}")


# Before anything else is imported: nothing is missed. libpq connects without Python's sockets.
sys.addaudithook(_watch)

from lxml import etree  # noqa: E402

from browser import Browser  # noqa: E402
from odoo_library import start_odoo  # noqa: E402


def open_form(browser, database, model, view, record_id):
    """Read view and record with the calls that the web client makes."""
    with database.environment() as env:
        view_id = env.ref(view).id if view else False
    views = browser.call(model, "get_views", views=[[view_id, "form"]], options={})
    arch = etree.fromstring(views["views"]["form"]["arch"])
    # Fields within a field belong to the sub-view of a list.
    names = arch.xpath("//field[not(ancestor::field)]/@name")
    specification = {name: {} for name in names}
    browser.call(model, "web_read", [record_id], specification=specification)
    browser.call(model, "onchange", [], {}, [], specification)
    return names


def main():
    database = start_odoo(os.environ["ODOO_CONF"], os.environ["ODOO_DB"])
    browser = Browser(database)
    fields = {form[0]: open_form(browser, database, *form) for form in json.loads(sys.argv[1])}
    result = {"modules": sorted(sys.modules), "connections": _connections, "fields": fields}
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()
