#!/usr/bin/python3
"""Opens thousands of connections to a real Deputy, each of which asks once and stays, and measures what issuing does meanwhile.

Prints memory, and the time to answer a warm request for credentials over one kept connection: alone, and with all of them held. Ends by asking on each
held connection again: none may have been lost. Needs two descriptors for each connection that one limit (`ulimit -Hn`) allows to each process.

Usage: DEPUTY_BINARY=build/release/deputy bench/held.py [--connections N] [--tls] [--requests N]
"""
import argparse
import http.client
import os
import resource
import shutil
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "server"))
from harness import Deputy, Sandbox, ServerTest  # noqa: E402

ASK = b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n"


def memory_mb(process):
    with open(f"/proc/{process.process.pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS")) / 1024


class Bench(ServerTest):
    """The harness's ways, without a test."""

    def runTest(self):
        pass

    def connect_socket(self):
        port = int(self.deputy.url.rsplit(":", 1)[1])
        cls = http.client.HTTPSConnection if self.deputy.trust else http.client.HTTPConnection
        made = cls("127.0.0.1", port, timeout=60, **({"context": self.deputy.trust} if self.deputy.trust else {}))
        made.connect()
        return made

    def issue(self, connection, key, count):
        path, kept, times = f"/v1/credentials/{connection['id']}", self.connect_socket(), []
        for _ in range(count):
            began = time.perf_counter()
            kept.request("GET", path, headers={"Authorization": key})
            answer = kept.getresponse()
            body = answer.read()
            times.append(time.perf_counter() - began)
            assert answer.status == 200, body
        kept.close()
        times.sort()
        return [times[int(len(times) * part)] * 1e3 for part in (0.5, 0.99)]


def hold(bench, count):
    held = []
    for _ in range(count):
        connection = bench.connect_socket()
        connection.sock.sendall(ASK)
        held.append(connection.sock)
        assert connection.sock.recv(4096).startswith(b"HTTP/1.1 200 "), len(held)
    return held


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--requests", type=int, default=2_000)
    parser.add_argument("--tls", action="store_true")
    arguments = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    bench = Bench()
    bench.folder = tempfile.mkdtemp(prefix="deputy-bench-")
    bench.sandbox = Sandbox(bench.folder)
    bench.deputy = Deputy(bench.folder, bench.sandbox)
    try:
        if arguments.tls:
            bench.deputy.use_tls()
        bench.deputy.start()
        connection, key = bench.active_connection(), bench.workload_key()
        bench.issue(connection, key, 50)
        half, worst = bench.issue(connection, key, arguments.requests)
        before = memory_mb(bench.deputy.process)
        print(f"alone: {before:.0f} MB, issuing {half:.2f} ms in the middle, {worst:.2f} ms at the 99th percentile", flush=True)
        began = time.monotonic()
        held = hold(bench, arguments.connections)
        opened = time.monotonic() - began
        half, worst = bench.issue(connection, key, arguments.requests)
        after = memory_mb(bench.deputy.process)
        print(f"{len(held)} held (opened in {opened:.1f} s): {after:.0f} MB, {(after - before) * 1024 / len(held):.1f} KB each, "
              f"issuing {half:.2f} ms in the middle, {worst:.2f} ms at the 99th percentile")
        for one in held:
            one.sendall(ASK)
            assert one.recv(4096).startswith(b"HTTP/1.1 200 ")
        print("each of them answers again")
        began = time.monotonic()
        status = bench.deputy.stop()
        print(f"a graceful stop with all of them open took {time.monotonic() - began:.2f} s, status {status}")
    finally:
        if bench.deputy.process:
            bench.deputy.stop()
        bench.sandbox.process.end()
        shutil.rmtree(bench.folder, ignore_errors=True)


main()
