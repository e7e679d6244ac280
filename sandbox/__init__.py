"""A stand-in for Entra ID, Microsoft Graph, Google OAuth, and the SMTP servers of both.

Real protocols on loopback over TLS with an own CA; state lives in memory. It imports nothing of
the addon, and no product code knows it exists. ``docs/sandbox.md`` is its manual.
"""
