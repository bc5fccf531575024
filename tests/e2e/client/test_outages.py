"""The C++ client under 100,000 decisions a second, while its server dies, stops, or is cut off.

    FUSEBOX_UNDER_LOAD   the program that decides
"""

import json
import os
import random
import signal
import subprocess
import time

import grpc
import pytest
from network import Network
from server_process import ServerProcess
from timing import PATIENCE_S, boottime, eventually

CUTS = int(os.environ.get("FUSEBOX_CUTS", "200"))
CALM = """
    policies:
      - name: default
        circuit_breaker: {consecutive_failures: 0, failure_rate_threshold: 0}
"""


class UnderLoad:
    def __init__(self, target, breaker):
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", os.environ["FUSEBOX_UNDER_LOAD"], target, breaker],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self):
        eventually(lambda: self.look()["connected"], "connected")
        return self

    def __exit__(self, failure, *_):
        if self._process.poll() is None and not self._process.stdin.closed:
            self.end()
        assert failure or self._process.returncode == 0

    def say(self, word):
        self._process.stdin.write(word + "\n")
        self._process.stdin.flush()

    def look(self):
        self.say("look")
        return json.loads(self._process.stdout.readline())

    def end(self):
        """All that it did, once it has told the server what was left."""
        self._process.stdin.close()
        last = json.loads(self._process.stdout.readline())
        self._process.wait(PATIENCE_S)
        return last

    def decides_on(self, steps=20):
        """It goes on: so many more steps are made, at its pace."""
        before = self.look()["steps"]
        eventually(lambda: self.look()["steps"] >= before + steps, "it decides on")

    def trips(self):
        """Its calls begin to fail: the breaker opens, which refuses all from then on."""
        self.say("fail")
        opened = eventually(lambda: (now := self.look())["state"] == "OPEN" and now, "it opens")
        self.decides_on()
        now = self.look()
        assert now["refused"] > opened["refused"]
        return now


def is_counted(api, breaker):
    """Whether the server has counted calls of a client: then that has the server's policy."""
    try:
        return api.get(breaker).totals.successes > 0
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.NOT_FOUND
        return False


def kill(server, network):
    server.process.kill()
    server.process.wait()


def stop(server, network):
    server.signal(signal.SIGSTOP)


def swallow(server, network):
    network.swallow()


@pytest.mark.parametrize("strike", [kill, stop, swallow])
def test_without_its_server_it_decides_on_and_still_trips(strike, name, request):
    server = ServerProcess()
    request.addfinalizer(lambda: strike is kill or server.stop())
    with Network(server.address) as network, UnderLoad(network.address, name) as load:
        load.decides_on(100)
        before = load.look()
        strike(server, network)
        load.decides_on(100)
        eventually(lambda: not load.look()["connected"], "the client notices")
        load.decides_on(100)
        alone = load.look()
        assert alone["refused"] == 0
        assert alone["failed"] == 0
        assert alone["resident_kib"] < before["resident_kib"] + 16 * 1024
        tripped = load.trips()
        # What an operator would see in their graphs: that many, and then none.
        assert 5 <= tripped["failed"] <= 20_000


def test_a_client_whose_server_was_stopped_for_a_while_comes_back(connect, name, start):
    server = start()
    with Network(server.address) as network, UnderLoad(network.address, name) as load:
        server.signal(signal.SIGSTOP)
        eventually(lambda: not load.look()["connected"], "the client notices")
        server.signal(signal.SIGCONT)
        eventually(lambda: load.look()["connected"], "it comes back")
        told = load.end()
        totals = connect(server).get(name).totals
        assert totals.successes <= told["succeeded"]


def test_nothing_counts_twice_and_nothing_is_lost_across_cuts_at_random_instants(
    name, start, connect
):
    seed = int(os.environ.get("FUSEBOX_SEED", random.SystemRandom().randrange(2**32)))
    print(f"FUSEBOX_SEED={seed}")
    chance = random.Random(seed)
    server = start(config=CALM)
    api = connect(server)
    with Network(server.address) as network, UnderLoad(network.address, name) as load:
        eventually(lambda: is_counted(api, name), "it goes by the server's policy")
        cuts = 0
        while cuts < CUTS:
            time.sleep(chance.uniform(0, 0.06))
            load.say(chance.choice(["fail", "succeed", "succeed"]))
            cuts += 1 if network.cut() > 0 else 0
        load.say("succeed")
        eventually(lambda: load.look()["connected"], "it comes back")
        load.decides_on(100)
        told = load.end()
        totals = api.get(name).totals
        assert (totals.successes, totals.failures) == (told["succeeded"], told["failed"])
        assert told["refused"] == 0


def test_it_comes_back_after_a_random_wait(name, start):
    """Many clients do not come back at one moment."""
    server = start()
    with Network(server.address) as network, UnderLoad(network.address, name) as load:
        waits = []
        for number in range(8):
            eventually(lambda: load.look()["connected"], "connected")
            cut = boottime()
            network.cut()
            eventually(lambda: len(network.accepted) > number + 1, "it comes back")  # noqa: B023
            waits.append(network.accepted[-1] - cut)
        assert max(waits) - min(waits) > 0.02, waits
