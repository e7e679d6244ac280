"""The ways out that are measured, and what their places are called in the sandbox."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Transport:
    """One way out.

    :param name: as in the table
    :param kind: type of the outgoing mail server
    :param may_read: the mailbox lets the addon look into its Sent Items
    """

    name: str
    kind: str
    may_read: bool = False

    @property
    def is_smtp(self):
        return self.kind.endswith("_smtp")

    @property
    def provider(self):
        return "google" if "google" in self.kind else "microsoft"

    @property
    def token_place(self):
        return f"{self.provider}.token"

    @property
    def sign_in_refusal(self):
        """Return what the provider's SMTP server adds to 535."""
        if self.provider == "google":
            return "5.7.8 Username and Password not accepted."
        return "5.7.3 Authentication unsuccessful"

    def place(self, stage):
        """Return the sandbox's name of a stage of SMTP, or of Graph's sendMail."""
        if not self.is_smtp:
            return "graph.sendmail"
        return f"{self.provider}_smtp.{stage}"


MICROSOFT_SMTP = Transport("Microsoft SMTP", "oauth2_microsoft_smtp")
GRAPH = Transport("Graph", "oauth2_microsoft_graph")
GRAPH_MAY_READ = Transport("Graph, may read", "oauth2_microsoft_graph", may_read=True)
GMAIL = Transport("Gmail SMTP", "oauth2_google_smtp")
