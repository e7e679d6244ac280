"""Access tokens of this process, so that a valid one costs neither a decryption nor a write."""

from __future__ import annotations

import threading


class TokenMemory:
    """Map ``(database, grant id, resource)`` to an access token of one revision of the grant.

    The revision changes with every write of the grant in the database. An entry of another
    revision is worth nothing: the mailbox was renewed, reconnected or removed elsewhere.
    """

    def __init__(self):
        self._entries = {}
        self._lock = threading.Lock()

    def get(self, key, revision):
        """Return the token remembered for this very revision, else ``None``."""
        remembered, token = self._entries.get(key, (None, None))
        return token if revision and remembered == revision else None

    def put(self, key, revision, token):
        with self._lock:
            self._entries[key] = (revision, token)

    def clear(self):
        with self._lock:
            self._entries.clear()


memory = TokenMemory()
