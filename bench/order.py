"""What a process of ``bench/`` is told by the command that started it, and how it answers."""

import json
import os
import sys

from odoo_library import start_odoo


def read_order():
    """Return the order, and a function that reports one result.

    A result is one line, written at once: whoever reads along never sees half of it.
    """
    _program, order_file, result_file = sys.argv
    with open(order_file, encoding="utf-8") as file:
        order = json.load(file)

    def report(result):
        with open(result_file, "a", encoding="utf-8") as file:
            file.write(json.dumps(result) + "\n")

    return order, report


def start():
    """Start Odoo on the lane's database; its addons can be imported from then on."""
    return start_odoo(os.environ["ODOO_CONF"], os.environ["ODOO_DB"])
