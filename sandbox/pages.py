"""HTML from the templates, with everything escaped."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode, urlsplit, urlunsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, RedirectResponse, Response

HERE = Path(__file__).parent
_templates = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters["moment"] = lambda seconds: datetime.fromtimestamp(seconds, UTC).strftime(
    "%Y-%m-%d %H:%M:%S"
)


def page(template: str, status: int = 200, **values) -> HTMLResponse:
    """Render a template of ``templates/``."""
    html = _templates.get_template(template).render(**values)
    return HTMLResponse(html, status, headers={"Cache-Control": "no-store"})


def send_back(redirect_uri: str, answer: dict, mode: str = "query") -> Response:
    """Send the browser back to the client.

    :param mode: ``query``, ``fragment`` or ``form_post``
    """
    if mode == "form_post":
        return page("form_post.html", redirect_uri=redirect_uri, fields=answer)
    parts = urlsplit(redirect_uri)
    if mode == "fragment":
        return RedirectResponse(urlunsplit(parts._replace(fragment=urlencode(answer))), 302)
    query = "&".join(filter(None, [parts.query, urlencode(answer)]))
    return RedirectResponse(urlunsplit(parts._replace(query=query)), 302)
