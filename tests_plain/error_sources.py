"""Where the links and commands of the error catalogue were found: none is made up."""

from __future__ import annotations

_ENTRA = "https://learn.microsoft.com/entra/identity-platform/"
_ENTRA_HELP = "https://learn.microsoft.com/troubleshoot/azure/active-directory/error-code-"
_ENTRA_ARTICLES = "https://learn.microsoft.com/troubleshoot/entra/entra-id/app-integration/"
_EXCHANGE = "https://learn.microsoft.com/exchange/"
_POWERSHELL = "https://learn.microsoft.com/powershell/module/exchange/"

#: address → where it is named: a public repository of documentation, or the provider's own text
LINKS = {
    "https://aka.ms/concurrent_sending": "Exchange's reply 432 4.3.2",
    "https://aka.ms/smtp_auth_disabled": "Exchange's reply 535 5.7.139",
    "https://aka.ms/smtp_auth_tls": "Exchange's reply 421 4.7.66",
    "https://login.microsoftonline.com/error?code=%(number)s": "error_uri of Entra ID's answers",
    f"{_ENTRA}authentication-national-cloud": "MicrosoftDocs/entra-docs",
    f"{_ENTRA}reference-error-codes": "MicrosoftDocs/entra-docs",
    f"{_ENTRA}refresh-tokens": "MicrosoftDocs/entra-docs",
    f"{_ENTRA}scopes-oidc": "MicrosoftDocs/entra-docs",
    f"{_ENTRA}v2-admin-consent": "MicrosoftDocs/entra-docs",
    f"{_ENTRA}v2-oauth2-auth-code-flow": "MicrosoftDocs/entra-docs",
    f"{_ENTRA}v2-oauth2-device-code": "MicrosoftDocs/entra-docs",
    "https://learn.microsoft.com/entra/fundamentals/security-defaults": "reference-error-codes",
    "https://learn.microsoft.com/entra/identity/conditional-access/"
    "troubleshoot-conditional-access": "reference-error-codes",
    f"{_ENTRA_HELP}aadsts50011-reply-url-mismatch": "reference-error-codes",
    f"{_ENTRA_HELP}aadsts50020-user-account-identity-provider-does-not-exist": (
        "reference-error-codes"
    ),
    f"{_ENTRA_HELP}aadsts50105-user-not-assigned-role": "reference-error-codes",
    f"{_ENTRA_HELP}aadsts650056-misconfigured-app": "reference-error-codes",
    f"{_ENTRA_HELP}aadsts70001-app-not-found-in-directory": "reference-error-codes",
    f"{_ENTRA_ARTICLES}confidential-client-application-authentication-error-aadsts7000218": (
        "MicrosoftDocs/SupportArticles-docs"
    ),
    f"{_ENTRA_ARTICLES}error-code-aadsts500011-resource-principal-not-found": (
        "MicrosoftDocs/SupportArticles-docs"
    ),
    f"{_ENTRA_ARTICLES}error-code-aadsts50057-user-account-is-disabled": (
        "MicrosoftDocs/SupportArticles-docs"
    ),
    f"{_ENTRA_ARTICLES}error-code-aadsts7000112-application-is-disabled": (
        "MicrosoftDocs/SupportArticles-docs"
    ),
    f"{_EXCHANGE}client-developer/legacy-protocols/"
    "how-to-authenticate-an-imap-pop-smtp-application-by-using-oauth": (
        "MicrosoftDocs/office-developer-exchange-docs"
    ),
    f"{_EXCHANGE}clients-and-mobile-in-exchange-online/authenticated-client-smtp-submission": (
        "MicrosoftDocs/OfficeDocs-Exchange"
    ),
    f"{_EXCHANGE}permissions-exo/application-rbac": "MicrosoftDocs/office-docs-powershell",
    f"{_EXCHANGE}recipients-in-exchange-online/manage-permissions-for-recipients": (
        "MicrosoftDocs/OfficeDocs-Exchange"
    ),
    f"{_EXCHANGE}troubleshoot/email-delivery/ndr/non-delivery-reports-in-exchange-online": (
        "MicrosoftDocs/SupportArticles-docs"
    ),
    "https://learn.microsoft.com/graph/errors": "microsoftgraph/microsoft-graph-docs-contrib",
    "https://learn.microsoft.com/graph/outlook-large-attachments": (
        "microsoftgraph/microsoft-graph-docs-contrib"
    ),
    "https://learn.microsoft.com/graph/outlook-send-mail-from-other-user": (
        "microsoftgraph/microsoft-graph-docs-contrib"
    ),
    "https://learn.microsoft.com/graph/throttling": "microsoftgraph/microsoft-graph-docs-contrib",
    "https://developers.google.com/identity/protocols/oauth2": "Google's page itself",
    "https://developers.google.com/identity/protocols/oauth2/service-account": (
        "Google's page itself"
    ),
    "https://developers.google.com/identity/protocols/oauth2/web-server": "Google's page itself",
    "https://developers.google.com/workspace/gmail/api/guides/handle-errors": (
        "Google's page itself"
    ),
    "https://developers.google.com/workspace/gmail/imap/imap-smtp": "Google's page itself",
    "https://knowledge.workspace.google.com/admin/support/troubleshooting/"
    "gmail-smtp-errors-and-codes": "support.google.com/a/answer/3726730",
    "https://support.google.com/a/answer/166852": "Gmail's reply 550 5.4.5",
    "https://support.google.com/accounts/answer/16668185": "Google's error pages",
}

#: command → its own documentation
COMMANDS = {
    "Add-MailboxPermission": f"{_POWERSHELL}add-mailboxpermission",
    "Add-RecipientPermission": f"{_POWERSHELL}add-recipientpermission",
    "Get-EXOMailbox": f"{_POWERSHELL}get-exomailbox",
    "Get-EXORecipientPermission": f"{_POWERSHELL}get-exorecipientpermission",
    "Get-OrganizationConfig": f"{_POWERSHELL}get-organizationconfig",
    "Set-CASMailbox": f"{_POWERSHELL}set-casmailbox",
    "Set-OrganizationConfig": f"{_POWERSHELL}set-organizationconfig",
    "Test-ApplicationAccessPolicy": f"{_POWERSHELL}test-applicationaccesspolicy",
    "chown": "chown(1)",
    "getent": "getent(1)",
    "nc": "nc(1)",
    "python3": "https://cryptography.io/en/latest/fernet/",
    "sudo": "update-ca-certificates(8)",
    "timedatectl": "timedatectl(1)",
}
