"""Clients that ask an applier for prices, and count what is not answered."""

import http.client
import json
import threading
import time

CLIENTS, PACE_S = 8, 0.02


class Load:
    """Clients that keep their connections, and count what was not answered with 200."""

    def __init__(self, host, port, headers=None):
        self.host, self.port, self.done, self.sent, self.failures = host, port, threading.Event(), 0, []
        self.headers = {"Content-Type": "application/json", **(headers or {})}
        self.lock = threading.Lock()
        self.clients = [threading.Thread(target=self.client, args=(number,)) for number in range(CLIENTS)]
        for client in self.clients:
            client.start()

    def client(self, number):
        asked, count = http.client.HTTPConnection(self.host, self.port, timeout=10), 0
        while not self.done.is_set():
            count += 1
            body = json.dumps(
                {"id": f"{number}-{count}", "city": "Kazan", "street": "Street 1", "floor": 3, "rooms": 2}
            )
            failure = None
            try:
                asked.request("POST", "/predict", body, self.headers)
                answer = asked.getresponse()
                text = answer.read()
                if answer.status != 200 or b"prediction" not in text:
                    failure = f"{answer.status} {text[:200]!r}"
            except (OSError, http.client.HTTPException) as error:
                failure = repr(error)
                asked.close()
            with self.lock:
                self.sent += 1
                if failure:
                    self.failures.append(failure)
            time.sleep(PACE_S)

    def end(self):
        self.done.set()
        for client in self.clients:
            client.join()
