"""python frame.py FUSEBOX_ADDRESS UPSTREAM_URL DEADLINE_MS"""

import sys

import grpc
from fusebox.v1 import breaker_pb2, breaker_service_pb2_grpc

# The same library: pip brings one along, and nothing else here needs it.
from pip._vendor import requests


def checkout(fusebox_address, upstream_url, deadline_s):
    # README.md has the rest.


checkout(sys.argv[1], sys.argv[2], int(sys.argv[3]) / 1000)
print("done", flush=True)
sys.stdin.read()
