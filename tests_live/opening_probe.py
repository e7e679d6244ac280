"""Start Odoo, open screens as an administrator does, and print what that loaded and called.

Called with JSON: a list of ``[model, external id of a view, record id]``; without a record the
list of all is opened. Prints JSON:
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
    if arch.get("create") not in ("0", "false"):
        browser.call(model, "onchange", [], {}, [], specification)
    return names


def open_list(browser, model):
    """Search and read with the calls that the web client makes."""
    views = browser.call(model, "get_views", views=[[False, "list"], [False, "search"]], options={})
    names = etree.fromstring(views["views"]["list"]["arch"]).xpath("//field/@name")
    specification = {name: {} for name in names}
    browser.call(model, "web_search_read", domain=[], specification=specification, limit=80)
    return names


def open_screen(browser, database, model, view, record_id):
    """Return the names of the fields that a form or a list shows."""
    if record_id is None:
        return open_list(browser, model)
    return open_form(browser, database, model, view, record_id)


def main():
    database = start_odoo(os.environ["ODOO_CONF"], os.environ["ODOO_DB"])
    browser = Browser(database)
    fields = {}
    for model, *screen in json.loads(sys.argv[1]):
        names = open_screen(browser, database, model, *screen)
        fields.setdefault(model, []).extend(names)
    browser.call("mail.oauth2.attempt", "overview")
    result = {"modules": sorted(sys.modules), "connections": _connections, "fields": fields}
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()
