"""Carries callbacks: signs them, posts them from a few threads, remembers them, and knows when none is under way."""

import queue
import threading
from collections.abc import Callable, Mapping
from urllib.parse import urlencode, urlsplit, urlunsplit

import urllib3

from tests.fakes.twilio_double.records import Callback, signature

Post = Callable[[str, Mapping[str, str], Mapping[str, str]], int]
THREADS = 4


def http_post(callback_base: str | None) -> Post:
    """Post form-encoded over pooled connections; `callback_base` replaces scheme and host, after signing."""
    pool = urllib3.PoolManager(maxsize=THREADS, timeout=15.0, retries=False)

    def post(url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> int:
        if callback_base:
            url = urlunsplit(urlsplit(callback_base)[:2] + urlsplit(url)[2:])
        headers = {**headers, "Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
        return pool.request("POST", url, body=urlencode(form), headers=headers, redirect=False).status

    return post


class Courier:
    """Jobs of one message keep their order (same thread); jobs of different messages run beside each other."""

    def __init__(self, token: str, post: Post, changed: threading.Condition) -> None:
        self.calls: list[Callback] = []
        self._token, self._post, self._changed = token, post, changed
        self._under_way = 0
        self._queues: list[queue.SimpleQueue[Callable[[], object] | None]] = []
        self._threads: list[threading.Thread] = []
        for number in range(THREADS):
            jobs: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
            thread = threading.Thread(target=self._run, args=(jobs,), name=f"courier-{number}", daemon=True)
            thread.start()
            self._queues.append(jobs)
            self._threads.append(thread)

    def submit(self, sid: str, job: Callable[[], object]) -> None:
        with self._changed:
            self._under_way += 1
        self._queues[hash(sid) % THREADS].put(job)

    def call(self, url: str, form: Mapping[str, str]) -> int:
        """Sign and post now; the status, or 0 when nobody answered."""
        headers = {"X-Twilio-Signature": signature(self._token, url, form), "User-Agent": "TwilioProxy/1.1"}
        try:
            done = Callback(url, form, self._post(url, form, headers))
        except (OSError, urllib3.exceptions.HTTPError) as error:
            done = Callback(url, form, 0, repr(error))
        with self._changed:
            self.calls.append(done)
            self._changed.notify_all()
        return done.status

    @property
    def idle(self) -> bool:
        return self._under_way == 0

    def close(self) -> None:
        for jobs in self._queues:
            jobs.put(None)
        for thread in self._threads:
            thread.join(20)

    def _run(self, jobs: queue.SimpleQueue[Callable[[], object] | None]) -> None:
        while (job := jobs.get()) is not None:
            try:
                job()
            finally:
                with self._changed:
                    self._under_way -= 1
                    self._changed.notify_all()
