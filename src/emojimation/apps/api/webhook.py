"""Tells another service of finished jobs: a POST signed as in the Standard Webhooks specification."""

import base64
import hashlib
import hmac
import json
import logging
import threading
import time
import uuid
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

WAITS_S = (0.0, 2.0, 10.0, 60.0)  # before each attempt
ANSWER_S = 10.0
log = logging.getLogger("emojimation.api")


class Webhook:
    """Calls `address`, which the operator chooses: one that callers could choose would reach into the network.

    secret: shared with the receiver, which checks the signature with it.
    """

    def __init__(self, address: str, secret: str):
        self._address, self._secret = address, secret.encode()
        self._closed = threading.Event()

    def tell(self, kind: str, data: dict[str, Any]) -> None:
        """Send an event in the background, again if the receiver does not answer with 2xx."""
        body = json.dumps({"type": kind, "timestamp": _now(), "data": data}).encode()
        threading.Thread(target=self._send, args=(f"msg_{uuid.uuid4().hex}", body), daemon=True).start()

    def close(self) -> None:
        """Give up what was not answered."""
        self._closed.set()

    def _send(self, number: str, body: bytes) -> None:
        for wait_s in WAITS_S:
            if self._closed.wait(wait_s) or self._delivered(number, body):
                return
        log.warning("webhook", extra={"fields": {"id": number, "attempts": len(WAITS_S)}})

    def _delivered(self, number: str, body: bytes) -> bool:
        headers = {"content-type": "application/json", **signed(self._secret, number, int(time.time()), body)}
        try:
            with urlopen(Request(self._address, body, headers), timeout=ANSWER_S):
                return True
        except (URLError, OSError, ValueError):  # an HTTPError, for other than 2xx, is a URLError
            return False


def signed(secret: bytes, number: str, at: int, body: bytes) -> dict[str, str]:
    """The headers that let the receiver check origin and age of a message."""
    text = b".".join((number.encode(), str(at).encode(), body))
    signature = base64.b64encode(hmac.new(secret, text, hashlib.sha256).digest()).decode()
    return {"webhook-id": number, "webhook-timestamp": str(at), "webhook-signature": f"v1,{signature}"}


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
