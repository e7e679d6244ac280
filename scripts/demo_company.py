"""The company of the demo. Runs inside Odoo."""

MAILBOX = "erp@contoso.example"


def set_up(env, sandbox, base_url):
    """Make a fresh database ready to be connected to the sandbox.

    :param env: Odoo's environment, as superuser; the caller commits
    :param sandbox: contents of the sandbox's ``sandbox.json``
    :param base_url: address people open Odoo at
    """
    parameters = env["ir.config_parameter"]
    parameters.set_param("web.base.url", base_url)
    parameters.set_param("web.base.url.freeze", "True")
    env.ref("base.user_admin").email = "admin@contoso.example"
    apps = {
        provider: _app(env, provider, sandbox[provider]) for provider in ("microsoft", "google")
    }
    env.company.write(
        {
            "name": "Contoso",
            "email": MAILBOX,
            "email_server_type": "oauth2_microsoft_graph",
            "email_server_app_id": apps["microsoft"].id,
            "email_server_address": MAILBOX,
        }
    )


def _app(env, provider, described):
    return env["mail.oauth2.app"].create(
        {
            "name": f"{provider.capitalize()} (sandbox)",
            "provider": provider,
            "cloud": "custom",
            "tenant": described.get("tenant", False),
            "client_id": described["client_id"],
            "client_secret": described["client_secret"],
            "authority_url": described["authority_url"],
            "token_url": described.get("token_url", False),
            "api_url": described.get("graph_url") or described.get("api_url"),
            "smtp_host": described["smtp_host"],
            "smtp_port": described["smtp_port"],
        }
    )
