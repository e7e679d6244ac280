"""Takes the measurements of the throughput table. Started by :mod:`.throughput`."""

import os
from contextlib import ExitStack
from pathlib import Path

from .comparison import CORE, CORE_TLS, GRAPH, SMTP
from .helper_process import helper_process
from .order import read_order, start
from .tcp_proxy import proxy_process
from .transports import GRAPH_MAY_READ, MICROSOFT_SMTP


def main():
    order, report = read_order()
    database = start()
    # Odoo's addons can be imported from here on.
    from odoo.addons.mail_server_oauth2.tests.common import Sandbox

    from odoo_library import Database
    from office import register_apps

    from .senders import AddonSender, CoreSender

    sandbox = Sandbox.running()
    register_apps(database, sandbox)
    core = Database(order["core_database"])
    with ExitStack() as stack:
        state_dir = Path(os.environ["MAIL_SERVER_OAUTH2_SANDBOX"]).parent
        sink = stack.enter_context(helper_process("smtp_sink", state_dir))
        senders = [
            CoreSender(CORE, core, sink, "none"),
            CoreSender(CORE_TLS, core, sink, "starttls_strict"),
            AddonSender(SMTP, MICROSOFT_SMTP, database, sandbox),
            # Mail above 3 MB needs the permission to write drafts.
            AddonSender(GRAPH, GRAPH_MAY_READ, database, sandbox),
        ]
        _take(order, senders, report)


def _take(order, senders, report):
    """Take turns: what else the machine does must not meet one sender alone."""
    for repetition in range(order["repeat"]):
        for case in order["cases"]:
            for sender in senders if repetition % 2 == 0 else reversed(senders):
                report(_one(sender, case))


def _one(sender, case):
    from .measuring import measure

    count, size, round_trip = case["mails"], case["size"], case["round_trip"]
    values = {"sender": sender.name, "case": case["name"], "mails": count}
    try:
        if not round_trip:
            sender.begin(sender.target_port)
            measured = measure(sender, count, size)
        else:
            with proxy_process(sender.target_port, round_trip) as proxy:
                sender.begin(proxy.port)
                measured = measure(sender, count, size, proxy)
    except AssertionError as error:
        return values | {"error": str(error)}
    return values | measured.as_dict() | {"token_calls": sender.token_calls()}


if __name__ == "__main__":
    main()
