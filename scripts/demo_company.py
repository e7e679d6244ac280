"""The company of the demo. Runs inside Odoo."""


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
