"""What happens when the addon comes and goes."""

from .providers import SERVER_TYPES


def uninstall_hook(env):
    """Switch our servers off before their type turns into core's.

    Without it they would become password servers that send without signing in.
    """
    servers = (
        env["ir.mail_server"]
        .with_context(active_test=False)
        .search([("smtp_authentication", "in", list(SERVER_TYPES))])
    )
    servers.mail_template_ids.mail_server_id = False
    servers.write({"active": False, "smtp_authentication": "login", "oauth2_mailbox_id": False})
