"""Start Odoo before any test is read: its addons can only be imported afterwards.

``make test-live`` names database, configuration and sandbox in the environment.
"""

import os

from odoo_library import start_odoo

DATABASE = start_odoo(os.environ["ODOO_CONF"], os.environ["ODOO_DB"])

pytest_plugins = ["office_fixtures"]
