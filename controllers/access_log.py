"""Keep authorization codes and states out of the server's access log."""

import logging
import re
from urllib.parse import quote

from ..models.mail_oauth2_app import REDIRECT_PATH
from ..models.mail_oauth2_authorization import CHOICE_PATH


def _plain_or_quoted(text):
    """Return a pattern for a text as it stands in a URL or, quoted, in a parameter of one."""
    return "".join(f"(?:{re.escape(part)}|{re.escape(quote(part, safe=''))})" for part in text)


_PATHS = "|".join(_plain_or_quoted(path) for path in (REDIRECT_PATH, CHOICE_PATH))
#: also what the sign-in page of Odoo is to lead on to: /web/login?redirect=%2Fmail_server_…
_QUERY = re.compile(rf"({_PATHS}){_plain_or_quoted('?')}\S*", re.IGNORECASE)


class HideSignInQuery(logging.Filter):
    """Cut the query off the lines of our routes.

    A code is useless without the PKCE verifier and after its first use; but logs are copied
    to many places, and nobody has to explain that to an auditor.
    """

    def filter(self, record):
        line = record.getMessage()
        if _QUERY.search(line):
            record.msg, record.args = _QUERY.sub(r"\1?…", line), ()
        return True


def install():
    """Add the filter to the logger that writes the access log, once per process."""
    logger = logging.getLogger("werkzeug")
    if not any(isinstance(existing, HideSignInQuery) for existing in logger.filters):
        logger.addFilter(HideSignInQuery())
