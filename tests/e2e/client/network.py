"""A network between a client and a server, which a test may cut, or which swallows all."""

import contextlib
import selectors
import socket
import threading

from timing import boottime


class Network:
    """Listens at `address` and passes on to and from `target`. One thread; ends with the block."""

    def __init__(self, target):
        host, port = target.rsplit(":", 1)
        self.target = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self.accepted = []  # When.
        self._pairs = {}
        self._lock = threading.Lock()
        self._swallows = False
        self._ends = False
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ends = True
        self._thread.join()
        self.cut()
        self._listener.close()

    def cut(self):
        """Every connection breaks now. Returns how many there were."""
        with self._lock:
            ends = list(self._pairs)
            for end in ends:
                self._drop(end)
        return len(ends) // 2

    def swallow(self, swallows=True):
        """What is sent from now on arrives nowhere, and nobody is told."""
        self._swallows = swallows

    def _drop(self, end):
        other = self._pairs.pop(end, None)
        if other is None:
            return
        self._pairs.pop(other, None)
        for one in (end, other):
            with contextlib.suppress(KeyError, ValueError):
                self._selector.unregister(one)
            one.close()

    def _run(self):
        while not self._ends:
            for key, _ in self._selector.select(timeout=0.05):
                with self._lock:
                    if key.fileobj is self._listener:
                        self._accept()
                    elif key.fileobj in self._pairs:
                        self._pass_on(key.fileobj)

    def _accept(self):
        near, _ = self._listener.accept()
        self.accepted.append(boottime())
        if self._swallows:
            self._pairs[near] = far = socket.socket()
            self._pairs[far] = near
            self._selector.register(near, selectors.EVENT_READ)
            return
        try:
            far = socket.create_connection(self.target, timeout=1)
        except OSError:
            near.close()
            return
        self._pairs[near], self._pairs[far] = far, near
        for end in (near, far):
            end.settimeout(5)
            self._selector.register(end, selectors.EVENT_READ)

    def _pass_on(self, end):
        try:
            data = end.recv(1 << 16)
            if data and not self._swallows:
                self._pairs[end].sendall(data)
        except OSError:
            data = b""
        if not data:
            self._drop(end)
