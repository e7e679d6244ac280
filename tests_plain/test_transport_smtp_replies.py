"""What every documented SMTP reply means. The lines are the providers' own."""

import pytest
from mail_server_oauth2 import exceptions as exc
from mail_server_oauth2.transport import smtp_replies as replies
from mail_server_oauth2.transport.smtp_replies import AUTH, CONNECT, CONTENT, DATA, MAIL, RCPT

MS, GG = replies.MICROSOFT, replies.GOOGLE
AKA = "Visit https://aka.ms/smtp_auth_disabled for more information."
UNSUCCESSFUL = "535 5.7.139 Authentication unsuccessful, "
SEND_AS = (
    "SendAsDenied; erp@contoso.example not allowed to send as x@contoso.example; STOREDRV."
    "Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied; Failed to process "
    "message due to a permanent exception with message [BeginDiagnosticData]Cannot submit message."
)
SPAM = (
    "554 5.2.0 STOREDRV.Submission.Exception:OutboundSpamException; Failed to process message due "
    "to a permanent exception with message [BeginDiagnosticData]WASCL UserAction verdict is not "
    "None. Actual verdict is RefuseQuota"
)
BAD_CREDENTIALS = (
    "535-5.7.8 Username and Password not accepted. For more information, go to\r\n"
    "535 5.7.8  https://support.google.com/mail/?p=BadCredentials abc - gsmtp"
)
DAILY = (
    "550-5.4.5 Daily user sending limit exceeded. For more information on Gmail\r\n"
    "550 5.4.5 sending limits go to https://support.google.com/a/answer/166852 abc - gsmtp"
)

CASES = [
    # provider, stage, reply, class, key
    (MS, AUTH, "535 5.7.3 Authentication unsuccessful [SN2PR00CA0018.namprd00.prod.outlook.com]",
     exc.ConfigurationError, "exchange_auth_refused"),
    (MS, AUTH, f"{UNSUCCESSFUL}SmtpClientAuthentication is disabled for the Tenant. {AKA}",
     exc.ConfigurationError, "smtp_auth_disabled_tenant"),
    (MS, AUTH, f"{UNSUCCESSFUL}SmtpClientAuthentication is disabled for the Mailbox. {AKA}",
     exc.ConfigurationError, "smtp_auth_disabled_mailbox"),
    (MS, AUTH, f"{UNSUCCESSFUL}basic authentication is disabled.",
     exc.ConfigurationError, "smtp_basic_auth_disabled"),
    (MS, AUTH, f"{UNSUCCESSFUL}the user credentials were incorrect.",
     exc.ConfigurationError, "exchange_auth_refused"),
    (MS, AUTH, f"{UNSUCCESSFUL}the request did not meet the criteria to be authenticated "
     "successfully. Contact your administrator.",
     exc.ConfigurationError, "smtp_conditional_access"),
    (MS, AUTH, f"{UNSUCCESSFUL}user is locked by your organization's security defaults policy. "
     "Contact your administrator.",
     exc.ConfigurationError, "smtp_security_defaults"),
    (MS, AUTH, f"{UNSUCCESSFUL}for a reason nobody has written down",
     exc.ConfigurationError, "smtp_auth_policy"),
    (MS, AUTH, "550 5.7.30 Basic authentication is not supported for Client Submission.",
     exc.ConfigurationError, "smtp_basic_auth_disabled"),
    (MS, AUTH, "501 5.5.124 Invalid XOAUTH2 auth data",
     exc.ConfigurationError, "smtp_auth_data_invalid"),
    (MS, MAIL, "530 5.7.57 SMTP; Client was not authenticated to send anonymous mail during MAIL "
     "FROM", exc.ConfigurationError, "smtp_not_authenticated"),
    (MS, CONNECT, "421 4.7.66 TLS 1.0 and 1.1 are not supported. Please upgrade/update your client "
     "to support TLS 1.2.", exc.ConfigurationError, "smtp_tls_too_old"),
    (MS, AUTH, "421 4.7.67 TLS is too old", exc.ConfigurationError, "smtp_tls_too_old"),
    (MS, MAIL, "550 5.7.60 SMTP; Client does not have permissions to send as this sender",
     exc.RefusedError, "send_as_denied"),
    (MS, CONTENT, f"554 5.2.252 {SEND_AS}", exc.RefusedError, "send_as_denied"),
    (MS, CONTENT, f"554 5.2.0 {SEND_AS}", exc.RefusedError, "send_as_denied"),
    (MS, CONTENT, f"430 4.2.0 {SEND_AS}", exc.RefusedError, "send_as_denied"),
    (MS, CONTENT, SPAM, exc.RefusedError, "outbound_spam"),
    (MS, CONTENT, "554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException; x",
     exc.ThrottledError, "exchange_recipient_quota"),
    (MS, CONTENT, "554 5.2.2 STOREDRV.Submission.Exception:SubmissionQuotaExceededException; x",
     exc.ThrottledError, "exchange_recipient_quota"),
    (MS, CONTENT, "550 5.1.90 Message can't be sent because you've reached your daily limit",
     exc.ThrottledError, "exchange_recipient_quota"),
    (MS, CONTENT, "554 5.2.2 STOREDRV.Submission.Exception:QuotaExceededException; x",
     exc.TransientError, "mailbox_full"),
    (MS, CONTENT, "554 5.2.2 mailbox full", exc.TransientError, "mailbox_full"),
    (MS, RCPT, "552 5.2.2 mailbox full", exc.RefusedError, "recipient_mailbox_full"),
    (MS, AUTH, "432 4.3.2 Concurrent connections limit exceeded. Visit "
     "https://aka.ms/concurrent_sending for more information. [Hostname=x]",
     exc.ThrottledError, "smtp_concurrent_connections"),
    (MS, CONTENT, "432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded",
     exc.ThrottledError, "smtp_concurrent_connections"),
    (MS, MAIL, "451 4.7.500 Server busy. Please try again later",
     exc.ThrottledError, "smtp_server_busy"),
    (MS, CONTENT, "451 4.7.699 Server busy", exc.ThrottledError, "smtp_server_busy"),
    (MS, RCPT, "452 4.5.3 Too many recipients", exc.TransientError, "too_many_recipients"),
    (MS, CONTENT, "550 5.1.8 Access denied, bad outbound sender",
     exc.ConfigurationError, "mailbox_restricted"),
    (MS, CONTENT, "550 5.7.501 Access denied, spam abuse detected",
     exc.ConfigurationError, "mailbox_restricted"),
    (MS, CONTENT, "550 5.7.513 Service unavailable",
     exc.ConfigurationError, "mailbox_restricted"),
    (MS, CONTENT, "550 5.7.703 Your message can't be delivered",
     exc.ConfigurationError, "mailbox_restricted"),
    (MS, CONTENT, "550 5.7.232 trial tenant has exceeded its limit",
     exc.ThrottledError, "tenant_recipient_limit"),
    (MS, CONTENT, "550 5.7.233 tenant has exceeded its limit",
     exc.ThrottledError, "tenant_recipient_limit"),
    (MS, CONTENT, "550 5.7.705 tenant has exceeded threshold",
     exc.ConfigurationError, "tenant_restricted"),
    (MS, CONTENT, "550 5.7.708 traffic not accepted from this IP",
     exc.ConfigurationError, "tenant_ip_refused"),
    (MS, CONTENT, "550 5.7.750 unregistered domain",
     exc.ConfigurationError, "domain_unregistered"),
    (MS, MAIL, "550 5.7.68 TenantInboundAttribution; Direct Send not allowed for this organization "
     "from unauthorized sources", exc.ConfigurationError, "smtp_direct_send_refused"),
    (MS, RCPT, "550 5.7.64 TenantAttribution; Relay Access Denied",
     exc.ConfigurationError, "smtp_relay_denied"),
    (MS, CONNECT, "550 5.7.606 Access denied, banned sending IP [192.0.2.1]",
     exc.ConfigurationError, "smtp_ip_banned"),
    (MS, RCPT, "550 5.7.649 Access denied, banned sending IP [192.0.2.1]",
     exc.ConfigurationError, "smtp_ip_banned"),
    (MS, RCPT, "550 5.4.1 Recipient address rejected: Access denied.",
     exc.RefusedError, "smtp_recipient_access_denied"),
    (MS, RCPT, "550 5.5.105 internal recipients only",
     exc.RefusedError, "smtp_internal_recipients_only"),
    (MS, MAIL, "552 5.3.4 Message size exceeds fixed maximum message size",
     exc.RefusedError, "message_too_large"),
    (MS, CONTENT, "554 5.6.11 bare line feeds", exc.RefusedError, "bare_line_feed"),
    (MS, CONTENT, "550 5.7.515 Access denied, sending domain does not meet the required "
     "authentication level", exc.RefusedError, "sender_authentication_level"),
    (GG, CONNECT, "421 4.3.0 Temporary System Problem. Try again later",
     exc.TransientError, "smtp_temporary"),
    (GG, MAIL, "421 4.4.5 Server busy, closing connection", exc.TransientError, "smtp_temporary"),
    (GG, MAIL, "421 4.7.0 Try again later, closing connection",
     exc.TransientError, "smtp_temporary"),
    (GG, CONTENT, "451 4.3.0 Mail server temporarily rejected message",
     exc.TransientError, "smtp_temporary"),
    (GG, CONTENT, "451 4.4.2 Timeout - closing connection",
     exc.TransientError, "smtp_temporary"),
    (GG, MAIL, "451 4.5.0 SMTP protocol violation", exc.TransientError, "smtp_temporary"),
    (GG, CONTENT, "421-4.7.28 Our system has detected an unusual rate of unsolicited mail\r\n"
     "421 4.7.28 temporarily rate limited", exc.ThrottledError, "gmail_rate_limited"),
    (GG, RCPT, "450 4.2.1 The user you are trying to contact is receiving mail too quickly",
     exc.TransientError, "recipient_rate_limited"),
    (GG, MAIL, "450 4.2.1 Peak SMTP relay limit exceeded for customer",
     exc.ThrottledError, "gmail_rate_limited"),
    (GG, RCPT, "452 4.2.2 The email account that you tried to reach is over quota",
     exc.TransientError, "recipient_mailbox_full"),
    (GG, RCPT, "452 4.5.3 Your message has too many recipients",
     exc.TransientError, "too_many_recipients"),
    (GG, AUTH, "454 4.7.0 Cannot authenticate due to temporary system problem",
     exc.ThrottledError, "smtp_login_throttled"),
    (GG, AUTH, "454 4.7.0 Too many login attempts, please try again later",
     exc.ThrottledError, "smtp_login_throttled"),
    (GG, AUTH, "501 5.5.2 Cannot Decode response", exc.ConfigurationError, "smtp_auth_failed"),
    (GG, CONNECT, "501 5.5.4 HELO/EHLO argument is invalid",
     exc.UnreachableError, "smtp_connect_refused"),
    (GG, MAIL, "502 5.5.1 Unrecognized command", exc.TransientError, "smtp_bad_sequence"),
    (GG, DATA, "503 5.5.1 Bad sequence of commands", exc.TransientError, "smtp_bad_sequence"),
    (GG, AUTH, "504 5.7.4 Unrecognized Authentication Type",
     exc.ConfigurationError, "smtp_xoauth2_missing"),
    (GG, RCPT, "555 5.5.2 Syntax error, goodbye", exc.RefusedError, "smtp_refused"),
    (GG, MAIL, "530 5.7.0 Must issue a STARTTLS command first.",
     exc.ConfigurationError, "smtp_tls_required"),
    (GG, MAIL, "530-5.7.0 Authentication Required. For more information, go to\r\n"
     "530 5.7.0 https://support.google.com/mail/?p=WantAuthError",
     exc.ConfigurationError, "smtp_not_authenticated"),
    (GG, AUTH, "534-5.7.9 Application-specific password required.\r\n534 5.7.9 x - gsmtp",
     exc.ConfigurationError, "gmail_password_login"),
    (GG, AUTH, "534-5.7.14 Please log in via your web browser\r\n534 5.7.14 x - gsmtp",
     exc.ConfigurationError, "gmail_password_login"),
    (GG, AUTH, BAD_CREDENTIALS, exc.SignInNeededError, "gmail_auth_refused"),
    (GG, AUTH, "535-5.7.1 Username and Password not accepted.\r\n535 5.7.1 x",
     exc.SignInNeededError, "gmail_auth_refused"),
    (GG, CONTENT, DAILY, exc.ThrottledError, "gmail_daily_limit"),
    (GG, MAIL, "550 5.4.5 Daily SMTP relay limit exceeded for user",
     exc.ThrottledError, "gmail_daily_limit"),
    (GG, MAIL, "550 5.7.1 Daily SMTP relay limit exceeded for customer",
     exc.ThrottledError, "gmail_daily_limit"),
    (GG, RCPT, "550-5.1.1 The email account that you tried to reach does not exist.\r\n"
     "550 5.1.1 x - gsmtp", exc.RefusedError, "recipient_unknown"),
    (GG, RCPT, "553 5.1.2 We weren't able to find the recipient domain",
     exc.RefusedError, "recipient_domain_unknown"),
    (GG, RCPT, "553 5.1.3 The recipient address is not a valid RFC 5321 address",
     exc.RefusedError, "recipient_invalid"),
    (GG, MAIL, "550 5.7.0 Mail Sending denied", exc.RefusedError, "policy_refused"),
    (GG, CONTENT, "550 5.7.1 likely unsolicited mail", exc.RefusedError, "policy_refused"),
    (GG, CONTENT, "552 5.2.3 Your message exceeded Google's message size limits",
     exc.RefusedError, "message_too_large"),
    (GG, CONTENT, "552 5.7.0 This message was blocked because its content presents a potential "
     "security issue", exc.RefusedError, "content_blocked"),
    (GG, CONTENT, "554 5.6.0 Mail message is malformed. Not accepted",
     exc.RefusedError, "message_malformed"),
    ("", AUTH, "535 Authentication failed", exc.SignInNeededError, "smtp_auth_refused"),
    ("", AUTH, "535 5.7.8 Authentication failed", exc.SignInNeededError, "gmail_auth_refused"),
    (MS, AUTH, "535 5.7.8 Authentication failed", exc.SignInNeededError, "smtp_auth_refused"),
    ("", MAIL, "552 too big", exc.RefusedError, "message_too_large"),
    ("", CONNECT, "554 No SMTP service here", exc.UnreachableError, "smtp_connect_refused"),
    ("", AUTH, "538 Encryption required", exc.ConfigurationError, "smtp_auth_failed"),
    ("", RCPT, "450 greylisted", exc.TransientError, "smtp_temporary"),
    ("", RCPT, "451 4.7.1 greylisted", exc.TransientError, "smtp_temporary"),
    ("", CONTENT, "452 4.3.1 insufficient system storage", exc.TransientError, "smtp_temporary"),
    ("", RCPT, "421 4.2.2 closing", exc.TransientError, "recipient_mailbox_full"),
    ("", RCPT, "354 what?", exc.UnreachableError, "smtp_unexpected_answer"),
    ("", CONTENT, "599 no", exc.RefusedError, "smtp_refused"),
    ("", MAIL, "354 what?", exc.UnreachableError, "smtp_unexpected_answer"),
    ("", MAIL, "-1 not SMTP at all", exc.UnreachableError, "smtp_unexpected_answer"),
]  # fmt: skip


#: Where only this mail or recipient waits; all others stop the mailbox for a while.
WAITS_ALONE = {
    (CONTENT, "451 4.3.0 Mail server temporarily rejected message"),
    (RCPT, "450 4.2.1 The user you are trying to contact is receiving mail too quickly"),
    (RCPT, "452 4.2.2 The email account that you tried to reach is over quota"),
    (RCPT, "452 4.5.3 Too many recipients"),
    (RCPT, "452 4.5.3 Your message has too many recipients"),
    (DATA, "503 5.5.1 Bad sequence of commands"),
    (RCPT, "450 greylisted"),
    (RCPT, "451 4.7.1 greylisted"),
    (RCPT, "354 what?"),
}


def parsed(wire):
    """A reply as smtplib hands it over: the last code, and the lines without theirs."""
    lines = wire.split("\r\n")
    code = lines[-1].split(" ")[0]
    text = "\n".join(line[len(code) + 1 :] for line in lines)
    return replies.Reply.parse(int(code), text.encode())


@pytest.mark.parametrize(("provider", "stage", "wire", "error_class", "key"), CASES)
def test_documented_reply_has_its_meaning(provider, stage, wire, error_class, key):
    error = replies.classify(parsed(wire), stage, provider)
    assert (type(error), error.key) == (error_class, key)


@pytest.mark.parametrize(("provider", "stage", "wire", "error_class", "_key"), CASES)
def test_documented_reply_stops_the_mailbox_or_one_mail(provider, stage, wire, error_class, _key):
    error = replies.classify(parsed(wire), stage, provider)
    if issubclass(error_class, exc.TransientError):
        assert error.stops_mailbox is ((stage, wire) not in WAITS_ALONE)
    else:
        assert (stage, wire) not in WAITS_ALONE


def test_every_key_is_met_by_a_documented_reply():
    met = {replies.classify(parsed(c[2]), c[1], c[0]).key for c in CASES}
    assert met == replies.KEYS


@pytest.mark.parametrize("stage", [CONNECT, AUTH, MAIL, RCPT, DATA, CONTENT])
def test_no_code_is_left_without_a_meaning(stage):
    for code in (-1, 0, 25, 200, 299, 354, 399, *range(400, 600), 600, 999):
        error = replies.classify(replies.Reply(code, "", ""), stage)
        assert isinstance(error, exc.MailOAuth2Error)
        assert isinstance(error, exc.TransientError) or not 400 <= code <= 499


@pytest.mark.parametrize("stage", [MAIL, RCPT, DATA, CONTENT])
def test_permanent_reply_is_never_repeated_without_a_documented_reason(stage):
    documented = ("smtp_not_authenticated", "smtp_auth_refused", "smtp_bad_sequence")
    for code in range(500, 600):
        error = replies.classify(replies.Reply(code, "", "no"), stage)
        assert error.outcome == "refused" or error.key in documented


def test_reply_text_reaches_the_administrator_in_one_line_with_the_enhanced_code_once():
    error = replies.classify(parsed(BAD_CREDENTIALS), AUTH, GG)
    assert error.provider_text == (
        "535 5.7.8 Username and Password not accepted. For more information, go to "
        "https://support.google.com/mail/?p=BadCredentials abc - gsmtp"
    )


def test_reply_text_is_fit_to_be_shown_and_stored():
    error = replies.classify(replies.Reply(550, "5.7.1", "\x1b[31m" + "no " * 2000), MAIL)
    assert error.provider_text.startswith("550 5.7.1 [31mno no")
    assert len(error.provider_text) <= 1000


def test_daily_limit_is_probed_once_an_hour():
    error = replies.classify(parsed(DAILY), CONTENT, GG)
    assert error.retry_after == 3600


def test_time_named_in_a_reply_goes_before_our_own_pause():
    limit = parsed("550 5.4.5 Daily user sending limit exceeded, try again in 2 hours")
    assert replies.classify(limit, CONTENT, GG).retry_after == 7200
    grey = parsed("451 4.7.1 Greylisted, retry after Fri, 20 Nov 2026 12:01:30 GMT")
    assert replies.classify(grey, RCPT, now=lambda: 1_795_176_000).retry_after == 90


def test_gmail_limit_says_nothing_about_exchange():
    error = replies.classify(parsed("550 5.4.5 routing"), CONTENT, MS)
    assert error.key == "smtp_refused"


def test_refused_recipients_are_named_with_their_replies():
    error = replies.classify_recipients(
        {"a@x.example": parsed("550 5.1.1 no a"), "b@x.example": parsed("553 5.1.3 bad b")}
    )
    assert error.outcome == "refused"
    assert error.refused == {"a@x.example": "550 5.1.1 no a", "b@x.example": "553 5.1.3 bad b"}


def test_what_stops_the_mailbox_decides_over_what_stops_a_recipient():
    alone, full = parsed("450 4.2.1 too quickly"), parsed("452 4.3.1 no storage")
    for first, second in ((alone, full), (full, alone)):
        error = replies.classify_recipients({"a@x.example": first, "b@x.example": second})
        assert (error.provider_text, error.stops_mailbox) == ("452 4.3.1 no storage", True)


@pytest.mark.parametrize(
    ("second", "outcome", "key"),
    [
        ("550 5.1.1 unknown", "refused", "recipient_unknown"),
        ("450 4.2.1 too quickly", "later", "recipient_rate_limited"),
        ("550 5.4.5 Daily user sending limit exceeded", "later", "gmail_daily_limit"),
        ("550 5.1.8 bad outbound sender", "held", "mailbox_restricted"),
    ],
)
def test_what_concerns_the_sender_decides_over_what_concerns_one_recipient(second, outcome, key):
    error = replies.classify_recipients(
        {"a@x.example": parsed("550 5.1.1 unknown"), "b@x.example": parsed(second)}
    )
    assert (error.outcome, error.key) == (outcome, key)


@pytest.mark.parametrize("key", sorted(replies.TOKEN_REFUSED_KEYS))
def test_token_refusals_stay_held_when_a_fresh_token_is_refused_too(key):
    outcomes = {replies.classify(parsed(c[2]), c[1], c[0]).outcome for c in CASES if c[4] == key}
    assert outcomes == {"held"}
