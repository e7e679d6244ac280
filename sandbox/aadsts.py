"""Entra ID's error numbers with the OAuth error and the words that go with each.

https://learn.microsoft.com/entra/identity-platform/reference-error-codes
"""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import NamedTuple


class Aadsts(NamedTuple):
    """One number: OAuth ``error``, text, ``suberror`` and HTTP status at the token endpoint."""

    error: str
    text: str
    suberror: str = ""
    status: int = 400


_SIGN_IN = "Sign-in again is required"

TABLE = {
    28003: Aadsts(
        "invalid_scope",
        "Provided value for the input parameter scope cannot be empty when requesting an access"
        " token using the provided authorization code.",
    ),
    50011: Aadsts(
        "invalid_client",
        "The redirect URI '{redirect_uri}' specified in the request does not match the redirect"
        " URIs configured for the application '{client_id}'. Make sure the redirect URI sent in"
        " the request matches one added to your application in the Azure portal.",
    ),
    50013: Aadsts("invalid_grant", "Assertion failed signature validation."),
    50020: Aadsts(
        "invalid_grant",
        "User account '{account}' from identity provider does not exist in tenant '{tenant}' and"
        " cannot access the application '{client_id}' in that tenant.",
    ),
    50034: Aadsts(
        "invalid_grant", "The user account {account} does not exist in the {tenant} directory."
    ),
    50053: Aadsts("invalid_grant", "The account is locked."),
    50055: Aadsts("invalid_grant", "The password is expired.", "user_password_expired"),
    50056: Aadsts("invalid_grant", "Invalid or null password."),
    50057: Aadsts("invalid_grant", "The user account is disabled."),
    50058: Aadsts("login_required", "A silent sign-in request was sent but no user is signed in."),
    50059: Aadsts(
        "invalid_request",
        "No tenant-identifying information found in either the request or implied by any"
        " provided credentials.",
    ),
    50072: Aadsts("interaction_required", "The user must enroll in multi-factor authentication."),
    50074: Aadsts("interaction_required", "Strong Authentication is required."),
    50076: Aadsts(
        "invalid_grant",
        "Due to a configuration change made by your administrator, or because you moved to a new"
        " location, you must use multi-factor authentication to access '{resource}'.",
        "basic_action",
    ),
    50078: Aadsts("invalid_grant", "Presented multi-factor authentication has expired."),
    50079: Aadsts("interaction_required", "The user must enroll in multi-factor authentication."),
    50105: Aadsts(
        "interaction_required",
        "Your administrator has configured the application {name} ('{client_id}') to block users"
        " unless they are specifically granted ('assigned') access to the application.",
    ),
    50126: Aadsts(
        "invalid_grant", "Error validating credentials due to invalid username or password."
    ),
    50132: Aadsts("invalid_grant", "The session is not valid. " + _SIGN_IN + "."),
    50148: Aadsts(
        "invalid_grant",
        "The code_verifier does not match the code_challenge supplied in the authorization"
        " request for PKCE.",
    ),
    50158: Aadsts("interaction_required", "External security challenge not satisfied."),
    50173: Aadsts(
        "invalid_grant",
        "The provided grant has expired due to it being revoked, a fresh auth token is needed."
        " The user might have changed or reset their password.",
    ),
    50194: Aadsts(
        "invalid_request",
        "Application '{client_id}'({name}) is not configured as a multi-tenant application."
        " Usage of the /common endpoint is not supported for such apps created after"
        " '10/15/2018'. Use a tenant-specific endpoint or configure the application to be"
        " multi-tenant.",
    ),
    50196: Aadsts(
        "invalid_request",
        "The server terminated an operation because it encountered a client request loop.",
    ),
    53000: Aadsts("interaction_required", "Device is not in required device state: compliant."),
    53003: Aadsts(
        "invalid_grant",
        "Access has been blocked by Conditional Access policies. The access policy does not"
        " allow token issuance.",
        "message_only",
    ),
    530003: Aadsts("invalid_grant", "Your device is required to be managed to access this."),
    54005: Aadsts(
        "invalid_grant",
        "OAuth2 Authorization code was already redeemed, please retry with a new valid code or"
        " use an existing refresh token.",
    ),
    65001: Aadsts(
        "invalid_grant",
        "The user or administrator has not consented to use the application with ID"
        " '{client_id}' named '{name}'. Send an interactive authorization request for this user"
        " and resource.",
        "consent_required",
    ),
    65004: Aadsts("access_denied", "User declined to consent to access the app."),
    650057: Aadsts(
        "invalid_resource",
        "Invalid resource. The client has requested access to a resource which is not listed in"
        " the requested permissions in the client's application registration.",
    ),
    70000: Aadsts("invalid_grant", "Provided grant is invalid or malformed for this application."),
    70003: Aadsts("unsupported_grant_type", "The app requested an unsupported grant type."),
    70008: Aadsts(
        "invalid_grant",
        "The provided authorization code or refresh token has expired due to inactivity. Send a"
        " new interactive authorization request for this user and resource.",
    ),
    70011: Aadsts(
        "invalid_scope",
        "The provided value for the input parameter 'scope' is not valid. The scope '{scope}' is"
        " not valid.",
    ),
    70016: Aadsts(
        "authorization_pending",
        "OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
    ),
    70018: Aadsts("bad_verification_code", "Invalid verification code."),
    70019: Aadsts("authorization_declined", "The user declined the device sign-in."),
    70020: Aadsts("expired_token", "The provided value for the device code has expired."),
    70043: Aadsts(
        "invalid_grant",
        "The refresh token has expired or is invalid due to sign-in frequency checks by"
        " conditional access.",
        "token_expired",
    ),
    700016: Aadsts(
        "unauthorized_client",
        "Application with identifier '{client_id}' was not found in the directory '{tenant}'."
        " This can happen if the application has not been installed by the administrator of the"
        " tenant or consented to by any user in the tenant.",
    ),
    700022: Aadsts(
        "invalid_scope",
        "The provided value for the input parameter 'scope' is not valid because it contains"
        " more than one resource.",
    ),
    700027: Aadsts(
        "invalid_client",
        "The certificate with identifier used to sign the client assertion is not registered on"
        " application.",
        status=401,
    ),
    700082: Aadsts(
        "invalid_grant",
        "The refresh token has expired due to inactivity. The token was issued on {issued} and"
        " was inactive for 90.00:00:00.",
        "bad_token",
    ),
    700084: Aadsts(
        "invalid_grant",
        "The refresh token was issued to a single page app (SPA), and therefore has a fixed,"
        " limited lifetime of 1.00:00:00, which cannot be extended.",
    ),
    90002: Aadsts(
        "invalid_tenant",
        "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are"
        " signing into the correct cloud. Check with your subscription administrator, this may"
        " happen if there are no active subscriptions for the tenant.",
    ),
    90013: Aadsts("invalid_request", "Invalid input received from the user."),
    90014: Aadsts(
        "invalid_request",
        "The required field '{parameter}' is missing from the credential. Ensure that you have"
        " all the necessary parameters for the login request.",
    ),
    900144: Aadsts(
        "invalid_request",
        "The request body must contain the following parameter: '{parameter}'.",
    ),
    900561: Aadsts(
        "invalid_request", "The endpoint only accepts POST requests. Received a GET request."
    ),
    90033: Aadsts(
        "temporarily_unavailable",
        "A transient error has occurred. Please try again.",
        status=503,
    ),
    90055: Aadsts("temporarily_unavailable", "The server is throttling this tenant.", status=429),
    90038: Aadsts("invalid_request", "The tenant belongs to another national cloud."),
    90072: Aadsts(
        "invalid_grant",
        "User account '{account}' does not exist in tenant '{tenant}' and cannot access the"
        " application in that tenant. The account needs to be added as an external user first.",
    ),
    90094: Aadsts(
        "access_denied",
        "An administrator of {tenant} has set a policy that prevents"
        " you from granting {name} the permissions it is requesting.",
    ),
    90095: Aadsts("access_denied", "The consent request was sent to an administrator."),
    901002: Aadsts("invalid_request", "The 'resource' request parameter is not supported."),
    9002313: Aadsts("invalid_grant", "Invalid request. Request is malformed or invalid."),
    500011: Aadsts(
        "invalid_resource",
        "The resource principal named {resource} was not found in the tenant named {tenant}."
        " This can happen if the application has not been installed by the administrator of the"
        " tenant or consented to by any user in the tenant.",
    ),
    501481: Aadsts(
        "invalid_grant",
        "The Code_Verifier does not match the code_challenge supplied in the authorization"
        " request.",
    ),
    700025: Aadsts(
        "invalid_client",
        "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
        status=401,
    ),
    7000112: Aadsts("unauthorized_client", "Application '{client_id}'({name}) is disabled."),
    7000215: Aadsts(
        "invalid_client",
        "Invalid client secret provided. Ensure the secret being sent in the request is the"
        " client secret value, not the client secret ID, for a secret added to app"
        " '{client_id}'.",
        status=401,
    ),
    7000218: Aadsts(
        "invalid_client",
        "The request body must contain the following parameter: 'client_assertion' or"
        " 'client_secret'.",
        status=401,
    ),
    7000222: Aadsts(
        "invalid_client",
        "The provided client secret keys for app '{client_id}' are expired. Visit the Azure"
        " portal to create new keys for your app: https://aka.ms/NewClientSecret, or consider"
        " using certificate credentials for added security: https://aka.ms/certCreds.",
        status=401,
    ),
}


CONDITIONAL_ACCESS = 53003
_POLICY_CLAIMS = json.dumps(
    {
        "access_token": {
            "capolids": {"essential": True, "values": ["c0a7050e-ca00-4000-8000-000000000001"]}
        }
    }
)


class EntraError(Exception):
    """An AADSTS number with the values of its text."""

    def __init__(self, number: int, **values):
        self.number = number
        self.meaning = TABLE.get(number) or Aadsts("invalid_grant", "Sandbox error.")
        self.values = values
        super().__init__(f"AADSTS{number}")

    @property
    def text(self) -> str:
        """Return ``AADSTS<number>: <words>``."""
        words = self.meaning.text.format_map(_Blanks(self.values))
        return f"AADSTS{self.number}: {words}"

    def body(self, now: float, authority: str, trace_id: str, correlation_id: str = "") -> dict:
        """Return the JSON body of the token endpoint.

        :param authority: base URL for ``error_uri``
        :param trace_id: what the header ``x-ms-request-id`` says
        :param correlation_id: ``client-request-id`` of the request
        """
        correlation_id = correlation_id or str(uuid.uuid4())
        moment = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        body = {
            "error": self.meaning.error,
            "error_description": f"{self.text} Trace ID: {trace_id} Correlation ID:"
            f" {correlation_id} Timestamp: {moment}",
            "error_codes": [self.number],
            "timestamp": moment,
            "trace_id": trace_id,
            "correlation_id": correlation_id,
            "error_uri": f"{authority}/error?code={self.number}",
        }
        if self.meaning.suberror:
            body["suberror"] = self.meaning.suberror
        if self.number == CONDITIONAL_ACCESS:
            body["claims"] = _POLICY_CLAIMS
        return body


class _Blanks(dict):
    """Leaves a placeholder without value as the empty string."""

    def __missing__(self, key):
        return ""
