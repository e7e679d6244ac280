"""The two HTTP applications: services over https, pages and control over http."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from . import (
    api,
    entra_admin_consent,
    entra_authorize,
    entra_device,
    entra_metadata,
    entra_token,
    google_authorize,
    google_info,
    google_token,
    graph_messages,
    graph_send,
    graph_upload,
    graph_users,
    web,
)
from .aadsts import EntraError
from .http_date import OwnDate
from .http_errors import GoogleError, GraphError, on_entra_error, on_google_error, on_graph_error
from .http_faults import Place
from .pages import HERE
from .state import World


def _at(path: str, endpoint, place: str, *methods: str) -> Route:
    """Return the route of an endpoint that is counted and can be struck by faults."""
    return Route(
        path,
        endpoint,
        methods=list(methods or ("GET",)),
        middleware=[Middleware(Place, name=place)],
    )


def _entra_pages() -> list[Route]:
    both = ("GET", "POST")
    return [
        _at(
            "/{tenant}/oauth2/v2.0/authorize",
            entra_authorize.authorize,
            "microsoft.authorize",
            *both,
        ),
        _at("/devicelogin", entra_device.device_login, "microsoft.devicelogin", *both),
        *(
            _at(path, entra_admin_consent.admin_consent, "microsoft.adminconsent", *both)
            for path in ("/{tenant}/v2.0/adminconsent", "/{tenant}/adminconsent")
        ),
        Route("/{tenant}/oauth2/v2.0/logout", entra_admin_consent.logout, methods=list(both)),
    ]


def _entra() -> list[Route]:
    oauth = "/{tenant}/oauth2/v2.0"
    return [
        _at(
            "/{tenant}/v2.0/.well-known/openid-configuration",
            entra_metadata.openid_configuration,
            "microsoft.metadata",
        ),
        _at("/{tenant}/discovery/v2.0/keys", entra_metadata.signing_keys, "microsoft.keys"),
        _at("/common/discovery/instance", entra_metadata.instance_discovery, "microsoft.metadata"),
        _at(f"{oauth}/token", entra_token.token, "microsoft.token", "GET", "POST"),
        _at(f"{oauth}/devicecode", entra_device.device_code, "microsoft.devicecode", "POST"),
    ]


def _graph() -> list[Route]:
    mine, theirs = "/v1.0/me", "/v1.0/users/{user}"
    return [
        _at(mine, graph_users.me, "graph.me"),
        _at(theirs, graph_users.user, "graph.users"),
        _at("/oidc/userinfo", graph_users.userinfo, "graph.me"),
        *_graph_mail(mine),
        *_graph_mail(theirs),
        _at("/api/v2.0/upload/{token}", graph_upload.upload, "graph.upload", "GET", "PUT"),
    ]


def _graph_mail(base: str) -> list[Route]:
    messages, one = f"{base}/messages", f"{base}/messages/{{id}}"
    in_folder = f"{base}/mailFolders/{{folder}}/messages"
    attachments = f"{one}/attachments"
    return [
        _at(f"{base}/sendMail", graph_send.send_mail, "graph.sendmail", "POST"),
        _at(messages, graph_messages.create_draft, "graph.messages", "POST"),
        _at(messages, graph_messages.list_messages, "graph.messages"),
        _at(in_folder, graph_messages.list_messages, "graph.messages"),
        _at(one, graph_messages.one_message, "graph.messages", "GET", "PATCH", "DELETE"),
        _at(f"{one}/$value", graph_messages.mime_content, "graph.messages", "GET", "PUT"),
        _at(attachments, graph_messages.add_attachment, "graph.attachments", "POST"),
        _at(
            f"{attachments}/createUploadSession",
            graph_upload.create_upload_session,
            "graph.attachments",
            "POST",
        ),
        _at(f"{one}/send", graph_messages.send_draft, "graph.send", "POST"),
    ]


def _google() -> list[Route]:
    both = ("GET", "POST")
    return [
        _at("/o/oauth2/v2/auth", google_authorize.authorize, "google.authorize", *both),
        _at("/token", google_token.token, "google.token", "POST"),
        _at("/revoke", google_token.revoke, "google.revoke", "POST"),
        _at("/tokeninfo", google_info.tokeninfo, "google.tokeninfo", *both),
        _at("/device/code", google_token.device_code, "google.device", "POST"),
        _at("/oauth2/v2/userinfo", google_info.userinfo, "google.userinfo"),
        _at("/v1/userinfo", google_info.oidc_userinfo, "google.userinfo"),
        _at("/oauth2/v1/certs", google_info.certs, "google.certs"),
    ]


def _static() -> Mount:
    return Mount("/static", StaticFiles(directory=HERE / "static"))


def service_app(world: World) -> Starlette:
    """Return what is served over https: Entra ID, Graph and Google."""
    return _application(world, [*_graph(), *_google(), *_entra(), *_entra_pages(), _static()])


def web_app(world: World) -> Starlette:
    """Return what is served over http: the page, the control interface, Entra's pages."""
    return _application(world, [*web.routes(), *api.routes(), *_entra_pages(), _static()])


def _application(world: World, routes: list) -> Starlette:
    application = Starlette(
        routes=routes,
        middleware=[Middleware(OwnDate)],
        exception_handlers={
            EntraError: on_entra_error,
            GraphError: on_graph_error,
            GoogleError: on_google_error,
            google_info.UserinfoError: google_info.on_userinfo_error,
            api.ApiError: api.on_api_error,
        },
    )
    application.state.world = world
    return application
