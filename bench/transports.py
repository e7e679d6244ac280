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
    def token_place(self):
        return "google.token" if "google" in self.kind else "microsoft.token"

    def place(self, stage):
        """Return the sandbox's name of a stage of SMTP, or of Graph's sendMail."""
        if not self.is_smtp:
            return "graph.sendmail"
        return f"google_smtp.{stage}" if "google" in self.kind else f"microsoft_smtp.{stage}"


MICROSOFT_SMTP = Transport("Microsoft SMTP", "oauth2_microsoft_smtp")
GRAPH = Transport("Graph", "oauth2_microsoft_graph")
GMAIL = Transport("Gmail SMTP", "oauth2_google_smtp")
