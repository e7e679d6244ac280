"""The errors of this addon, one tree. The class decides what happens, never the text.

    MailOAuth2Error
    ├── TransientError            outcome "later": nothing was accepted, try again
    │   ├── ThrottledError            the provider asked for a pause (``retry_after``)
    │   │   └── PacedError                our own pace for this mailbox: nothing was tried
    │   └── UnreachableError          name, route, TLS, time-out, or an answer that makes no sense
    ├── PersonNeededError         outcome "held": useless to try before somebody acts
    │   ├── SignInNeededError         the grant is dead or was never given
    │   │   └── SignInRejectedError       a sign-in came back without a usable grant
    │   │       └── ConsentNeededError        the provider wants to ask for consent again
    │   ├── ConfigurationError        app registration, tenant, permission or host is wrong
    │   │   └── AdminConsentError         an administrator of the tenant must approve
    │   └── StorageKeyError           stored secrets cannot be read with the keys at hand
    ├── RefusedError              outcome "refused": this mail will never be accepted as it is
    └── DeliveryUnknownError      outcome "unknown": handed over, and no answer came back

No class here knows a language. ``key`` names an entry of the error catalogue
(``data/mail_oauth2_error_data.xml``), which holds the words for people: cause and remedy.
``provider_text`` keeps the provider's own words, which belong below them.
"""

from __future__ import annotations


class MailOAuth2Error(Exception):
    """Base of the tree.

    :param key: entry of the error catalogue, e.g. ``aadsts_7000215``, ``smtp_535``
    :param provider_text: what the provider or the network library said, without secrets
    :param request_id: id under which the provider's support finds the request
    :param details: values for the placeholders of the catalogue's sentences,
        e.g. ``{"host": "smtp.example.com"}``; never a secret
    """

    #: how the hand-over of a mail ended, see docs/architecture.md
    outcome = "held"
    #: catalogue entry used where the catalogue does not know ``key``
    generic_key = "unexpected"

    def __init__(self, key="", *, provider_text="", request_id="", details=None):
        self.key = key or self.generic_key
        self.provider_text = provider_text
        self.request_id = request_id
        self.details = dict(details or {})
        super().__init__(self.key)

    def __str__(self):
        return f"{self.key}: {self.provider_text}" if self.provider_text else self.key


class TransientError(MailOAuth2Error):
    """Nothing was accepted and the grant is intact: try again later.

    :param retry_after: seconds (float) the provider asked to wait, ``None`` if it named no time
    :param stops_mailbox: the next mail of this mailbox would meet the same. False where only
        this mail or recipient waits, or where the next mail has to find out
    """

    outcome = "later"
    generic_key = "transient"

    def __init__(self, key="", *, retry_after=None, stops_mailbox=True, **context):
        super().__init__(key, **context)
        self.retry_after = retry_after
        self.stops_mailbox = stops_mailbox


class ThrottledError(TransientError):
    """The provider limits this mailbox or app for a while."""

    generic_key = "throttled"


class PacedError(ThrottledError):
    """The mailbox has sent what its own limits allow for now: nothing was even tried.

    :param messages: how many messages fit into each minute from then on, 0 for any
    """

    generic_key = "paced"

    def __init__(self, key="", *, messages=0, **context):
        super().__init__(key, **context)
        self.messages = messages


class UnreachableError(TransientError):
    """No usable answer came from a host: name, route, TLS, time-out, or gibberish."""

    generic_key = "unreachable"


class PersonNeededError(MailOAuth2Error):
    """Trying again is useless until somebody acts; mails wait for it."""

    outcome = "held"
    generic_key = "person_needed"


class SignInNeededError(PersonNeededError):
    """The provider refused the grant for good, or there is none."""

    generic_key = "sign_in_needed"


class SignInRejectedError(SignInNeededError):
    """A sign-in came back without a usable grant (cancelled, forged, wrong account)."""

    generic_key = "sign_in_rejected"


class ConsentNeededError(SignInRejectedError):
    """The provider gives a refresh token only after asking for consent once more."""

    generic_key = "sign_in_rejected"


class ConfigurationError(PersonNeededError):
    """App registration, tenant, permission or host is wrong; a new sign-in would not help."""

    generic_key = "configuration"


class AdminConsentError(ConfigurationError):
    """An administrator of the tenant must approve the app first."""

    generic_key = "admin_consent"


class StorageKeyError(PersonNeededError):
    """A stored secret cannot be decrypted with the keys at hand."""

    generic_key = "storage_key"


class RefusedError(MailOAuth2Error):
    """The provider will never accept this mail as it is.

    :param refused: ``{address: provider's reply}`` where single recipients were refused
    """

    outcome = "refused"
    generic_key = "refused"

    def __init__(self, key="", *, refused=None, **context):
        super().__init__(key, **context)
        self.refused = dict(refused or {})


class DeliveryUnknownError(MailOAuth2Error):
    """The content was handed over and the connection ended before the answer.

    :param refused: ``{address: reply}`` of recipients that were certainly *not* served; what a
        reply means is told at :class:`.transport.SubmissionResult`
    """

    outcome = "unknown"
    generic_key = "delivery_unknown"

    def __init__(self, key="", *, refused=None, **context):
        super().__init__(key, **context)
        self.refused = dict(refused or {})
