"""Asks as fast as it can over many connections until it is stopped: `python flood.py PORT CONNECTIONS PATH`."""

import sys

import uvloop
from load import get, load

LONG = 3600.0


def main() -> None:
    port, connections, path = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    request = get(path)
    uvloop.run(load(port, lambda: request, b"", connections=connections, seconds=LONG))


if __name__ == "__main__":
    main()
