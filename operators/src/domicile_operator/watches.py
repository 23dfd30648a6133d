"""Whether the watches live. kopf's watchers can end without ending the process, and a watch can be open while nothing
comes through it.

Two signs. Each watcher asks anew whenever nothing came for a while, so one that has neither asked nor heard for much
longer is gone. And the operator's own Lease changes every few seconds: where a look at it sees that and the watch on it
does not, no watch is to be believed.
"""

import time
from collections.abc import Callable, Iterable

import aiohttp
import kopf
from aiohttp import TraceConfig, TraceRequestEndParams, TraceRequestStartParams


class Watches:
    """What was last heard of each watch. It lives on kopf's event loop; `trouble` may be asked from any thread.

    `silence` is in seconds, as is the monotonic clock.
    """

    def __init__(self, silence: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.silence, self._clock = silence, clock
        self._heard: dict[str, float] = {}
        self._streams: dict[str, tuple[aiohttp.StreamReader, int]] = {}
        self._lease_polled: float | None = None
        self._lease_watched: float | None = None

    def expect(self, paths: Iterable[str]) -> None:
        """Begin: a watcher for each of these paths of the API is being started."""
        now = self._clock()
        self._heard = dict.fromkeys(paths, now)
        self._lease_watched = now

    def asked(self, path: str) -> None:
        """A watcher sent a request."""
        if path in self._heard:
            self._heard[path] = self._clock()

    def answered(self, path: str, content: aiohttp.StreamReader) -> None:
        """A response has begun; what comes through it is seen by `listen`."""
        if path in self._heard:
            self._streams[path] = (content, content.total_bytes)

    def listen(self) -> None:
        """Look at which streams have moved. Bookmarks count: the API server sends one each minute."""
        for path, (content, before) in list(self._streams.items()):
            if content.total_bytes != before:
                self._heard[path] = self._clock()
                self._streams[path] = (content, content.total_bytes)

    def lease_watched(self) -> None:
        """The watch has brought a version of the Lease."""
        self._lease_watched = self._clock()

    def lease_polled(self) -> None:
        """A look at the Lease has found it moved."""
        self._lease_polled = self._clock()

    @property
    def lag(self) -> float:
        """For how many seconds the Lease has been seen to move while its watch shows nothing. Asked from any thread."""
        polled, watched = self._lease_polled, self._lease_watched
        return max(polled - watched, 0.0) if polled is not None and watched is not None else 0.0

    def trouble(self) -> str:
        """What is wrong, as a sentence; nothing while all live, or before they were started."""
        now = self._clock()
        gone = sorted(path for path, heard in self._heard.items() if now - heard > self.silence)
        if gone:
            return f"Nothing was heard of the watch of {', '.join(gone)} for {self.silence:.0f} s."
        if self.lag > self.silence:
            return f"The Lease moves, and its watch has shown nothing of that for {self.silence:.0f} s."
        return ""


def watched_path(group: str, version: str, plural: str) -> str:
    """The path at which all objects of a kind are listed and watched."""
    return f"/apis/{group}/{version}/{plural}" if group else f"/api/{version}/{plural}"


def session(
    info: kopf.ConnectionInfo, watches: Watches, listing: Callable[[str], None] = lambda path: None
) -> kopf.AiohttpSession:
    """A login of kopf's with a session that tells `watches` what goes over it, and `listing` each path that is listed
    anew, after which a watch begins. Call it on the event loop."""
    trace = TraceConfig()

    async def began(_: aiohttp.ClientSession, __: object, params: TraceRequestStartParams) -> None:
        watches.asked(params.url.path)
        if not {"watch", "continue"} & params.url.query.keys():
            listing(params.url.path)

    async def answered(_: aiohttp.ClientSession, __: object, params: TraceRequestEndParams) -> None:
        watches.answered(params.url.path, params.response.content)

    trace.on_request_start.append(began)
    trace.on_request_end.append(answered)
    made = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=info.as_ssl_context()),
        headers=info.as_http_headers(),
        proxy=info.proxy_url,
        trust_env=info.trust_env,
        trace_configs=[trace],
    )
    return kopf.AiohttpSession(
        server=info.server,
        aiohttp_session=made,
        default_namespace=info.default_namespace,
        priority=info.priority,
        expiration=info.expiration,
    )
