"""What was asked of the sandbox: the token log and the counters."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass


@dataclass
class TokenRequest:
    """One request to a token endpoint; ``status`` 0 means it was never answered.

    ``fault`` names the kind of a fault that decided the answer.
    """

    time: float
    provider: str
    grant_type: str = ""
    client_id: str = ""
    account: str = ""
    resource: str = ""
    scope: str = ""
    status: int = 0
    error: str = ""
    fault: str = ""


class Logs:
    """Counters and the token log; both count every request exactly once."""

    def __init__(self):
        self.tokens: list[TokenRequest] = []
        self._requests: Counter = Counter()

    def count(self, endpoint: str, method: str, status: int) -> None:
        """Count one request (HTTP) or one reply (SMTP)."""
        self._requests[endpoint, method, status] += 1

    def requests(self) -> list[dict]:
        """Return the counters as rows."""
        return [
            {"endpoint": endpoint, "method": method, "status": status, "count": count}
            for (endpoint, method, status), count in sorted(self._requests.items())
        ]
