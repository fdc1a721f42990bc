#!/usr/bin/python3
"""What collecting CloudWatch Logs costs, end to end: `deputy logs collect` against a sandbox on loopback, and `aws logs tail` on the same data.

Usage: bench/logs.py BINARY [PART...]     parts: files search tail quiet   (default: all)
Environment: BENCH_SECONDS of each run (10), BENCH_ROUNDS (3), BENCH_FOLDER (/dev/shm where there is one)
  of `quiet`: BENCH_ACCOUNTS (5000), BENCH_LATENCY_MS (100, of each FilterLogEvents, as AWS has some), BENCH_QUIET_SECONDS (600, all of it)

The collector is the real process, pinned to the first core; the sandbox and everything else have the second. Connections and credentials come
from a stand-in for a server, so that the collector alone is measured. Rates are by processor time of the collector, all its threads together:
a machine that is shared says little about time that passes. Data lie in memory (BENCH_FOLDER): a disk's own speed is not measured.
"""

import http.server
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
os.environ["DEPUTY_BINARY"] = os.path.abspath(sys.argv[1])
sys.path.insert(0, os.path.join(ROOT, "tests", "server"))
from harness import ALLOW_ALL, BINARY, Process  # noqa: E402  (after the path to it)

PARTS = sys.argv[2:] or ["files", "search", "tail", "quiet"]
SECONDS = int(os.environ.get("BENCH_SECONDS", 10))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", 3))
ACCOUNTS = int(os.environ.get("BENCH_ACCOUNTS", 5_000))
LATENCY_MS = int(os.environ.get("BENCH_LATENCY_MS", 100))
QUIET_SECONDS = int(os.environ.get("BENCH_QUIET_SECONDS", 600))
FOLDER = os.environ.get("BENCH_FOLDER", "/dev/shm" if os.path.isdir("/dev/shm") else None)
COLLECTOR_CORE, OTHER_CORE = "0", "1"
TICKS = os.sysconf("SC_CLK_TCK")
REGION = "us-east-1"
LETTERS = "abcdefghijklmnopqrstuvwxyz234567"


def identifier(prefix, number):
    body = ""
    for _ in range(24):
        body = LETTERS[number % 32] + body
        number //= 32
    return prefix + body


def account_number(number):
    return str(200_000_000_000 + number)


def processor_seconds(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_mb(pid):
    with open(f"/proc/{pid}/status") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1)) / 1024


def spread(values, digits=0):
    return "/".join(f"{value:.{digits}f}" for value in (min(values), statistics.median(values), max(values)))


class StandIn:
    """As much of Deputy's API as `deputy logs collect` asks for: active connections, what the integration wants, credentials."""

    def __init__(self, accounts, since="2026-01-01T00:00:00Z"):
        connections = [{"id": identifier("con_", i), "tenant_id": identifier("ten_", i), "integration": "bench", "account_id": account_number(i),
                        "state": "active", "created_at": since, "updated_at": "2026-01-01T00:00:00Z"} for i in range(accounts)]
        number_of = {connection["id"]: i for i, connection in enumerate(connections)}

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def answer(self, body):
                body = json.dumps(body).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                url = urllib.parse.urlsplit(self.path)
                if url.path.startswith("/v1/integrations/"):
                    return self.answer({"name": "bench", "logs": {"regions": [REGION], "groups": ["/load/*"]}})
                query = dict(urllib.parse.parse_qsl(url.query))
                begin = int(query.get("cursor", 0))
                end = begin + int(query["limit"])
                return self.answer({"items": connections[begin:end], "next_cursor": str(end) if end < len(connections) else None})

            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                number = number_of[self.path.split("/")[3]]
                self.answer({"access_key_id": f"AKIABENCH{number:011}", "secret_access_key": f"secret-of-the-bench-{number:020}", "session_token": "",
                             "expires_at": "2099-01-01T00:00:00Z", "account_id": account_number(number)})

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Bench:
    """A sandbox with accounts and log groups, and a collector of them."""

    def __init__(self, accounts, groups, sinks, since="2026-01-01T00:00:00Z", **settings):
        self.folder = tempfile.mkdtemp(prefix="deputy-bench-", dir=FOLDER)
        seed = os.path.join(self.folder, "seed.json")
        with open(seed, "w") as file:
            json.dump({"accounts": [{
                "id": account_number(i), "log_groups": groups,
                "users": [{"name": "u", "access_key_id": f"AKIABENCH{i:011}", "secret_access_key": f"secret-of-the-bench-{i:020}", "policies": {"all": ALLOW_ALL}}]}
                for i in range(accounts)]}, file)
        self.sandbox = Process(["taskset", "-c", OTHER_CORE, BINARY, "sandbox", "--listen", "127.0.0.1:0", "--seed", seed])
        self.sandbox_url = self.sandbox.wait_for(r"listening on (http://\S+)", 120).group(1)
        self.stand_in = StandIn(accounts, since)
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "DEPUTY_"))}
        self.environment.update(DEPUTY_URL=self.stand_in.url, DEPUTY_KEY="none", AWS_ENDPOINT_URL=self.sandbox_url, AWS_REGION=REGION,
                                DEPUTY_LOGS__DIRECTORY=os.path.join(self.folder, "logs"), DEPUTY_LOGS__SINKS=sinks.format(folder=self.folder), **settings)
        self.collector = None

    def start(self):
        self.collector = Process(["taskset", "-c", COLLECTOR_CORE, BINARY, "logs", "collect"], self.environment, self.folder)
        self.collector.wait_for("collecting logs of", 60)
        self.pid = self.collector.process.pid

    def stop(self):
        """Ends the collector; how many events it collected, and what its sinks took."""
        self.collector.end(signal.SIGTERM)
        output = self.collector.output()
        standing = re.findall(r" (\d+) events, (\d+) bytes;", output)[-1]
        sink = re.findall(r"sink \S+: (\d+) records, (\d+) bytes", output)
        return int(standing[0]), int(standing[1]), int(sink[-1][0]), int(sink[-1][1])

    def close(self):
        if self.collector:
            self.collector.end(signal.SIGKILL)
        self.sandbox.end(signal.SIGKILL)
        self.stand_in.server.shutdown()
        self.stand_in.server.server_close()
        shutil.rmtree(self.folder, ignore_errors=True)


def throughput(sinks):
    """A backlog in many accounts, as much of it as there is time for."""
    collected, delivered, per_event, memory, wall = [], [], [], [], []
    for _ in range(ROUNDS):
        # Each account gives 15 pages a second at most: its quota's share. Sixteen are more than a core can take.
        bench = Bench(16, [{"name": "/load/backlog", "region": REGION, "generate": {"per_second": 20_000, "since_seconds": 3_000}}], sinks)
        try:
            bench.start()
            time.sleep(SECONDS)
            peak, before = resident_mb(bench.pid), os.times()
            events, _, records, message_bytes = bench.stop()
            after = os.times()  # of processes that were waited for: the collector's, from its start to its end
            used = after.children_user - before.children_user + after.children_system - before.children_system
        finally:
            bench.close()
        collected.append(events / used)
        delivered.append(message_bytes / used / 1e6)
        per_event.append(1e6 * used / max(records, 1))
        memory.append(peak)
        wall.append(message_bytes / SECONDS / 1e6)
    print(f"  into {sinks.split(':')[0]}: {spread(delivered, 1)} MB/s of message bytes a processor second, {spread(per_event, 2)} us an event, "
          f"{spread(collected)} events/s collected; {spread(wall, 1)} MB/s of time that passed; {spread(memory)} MB resident  (min/median/max of {ROUNDS})")
    return 1e6 / statistics.median(per_event)


def tail(events_per_second):
    """`aws logs tail` over a part of the same data."""
    bench = Bench(1, [{"name": "/load/backlog", "region": REGION, "generate": {"per_second": 200, "since_seconds": 600}}], "search")
    rates = []
    try:
        environment = {**bench.environment, "AWS_ACCESS_KEY_ID": f"AKIABENCH{0:011}", "AWS_SECRET_ACCESS_KEY": f"secret-of-the-bench-{0:020}"}
        for _ in range(ROUNDS):
            output = os.path.join(bench.folder, "tail")
            before = os.times()
            with open(output, "w") as file:
                subprocess.run(["/usr/bin/aws", "logs", "tail", "/load/backlog", "--since", "9m", "--format", "short", "--endpoint-url", bench.sandbox_url],
                               env=environment, stdout=file, check=True, timeout=600)
            after = os.times()
            used = after.children_user - before.children_user + after.children_system - before.children_system
            with open(output) as file:
                events = sum(1 for _ in file)
            rates.append(events / used)
    finally:
        bench.close()
    print(f"  aws logs tail: {spread(rates)} events a processor second (of {events} events)")
    if events_per_second:
        print(f"  the collector into files: {events_per_second:.0f}, {events_per_second / statistics.median(rates):.0f} times as many")


def standings(bench):
    """What the collector said each minute: when it came, log groups that are read, pages read so far, seconds behind."""
    with bench.collector.changed:
        lines = [line for line in bench.collector.lines if line]
    found = [re.search(r"(\S+) info .*?(?:(\d+) active)? log groups; (\d+) pages, .*; (\d+) s behind", line) for line in lines]
    return [(each.group(1), int(each.group(2) or 0), int(each.group(3)), int(each.group(4))) for each in found if each]


def next_standing(bench, known, end):
    while len(standings(bench)) <= known:
        if time.monotonic() > end or bench.collector.process.poll() is not None:
            raise AssertionError("the collector said nothing more\n" + bench.collector.output()[-2000:])
        time.sleep(0.05)
    return standings(bench)[-1]


def quiet():
    """Accounts with twenty groups each in which nothing is written, polled each minute. Ends within QUIET_SECONDS, whatever it has by then."""
    wanted = ACCOUNTS * 20
    groups = [{"name": f"/load/{i}", "region": REGION} for i in range(20)]
    began = time.monotonic()
    # The connections are younger than the groups, so that these are read from a minute ago on: a day of history is no part of this.
    bench = Bench(ACCOUNTS, groups, "search", since="2099-01-01T00:00:00Z", DEPUTY_LOGS__DISCOVERY="30m", DEPUTY_LOGS__LOOKBACK="1m")
    end = began + QUIET_SECONDS
    try:
        late = {"kind": "late", "service": "logs", "operation": "FilterLogEvents", "delay_ms": LATENCY_MS}
        urllib.request.urlopen(urllib.request.Request(bench.sandbox_url + "/_sandbox/misbehaviour", data=json.dumps({"disturbances": [late] if LATENCY_MS else []}).encode(),
                                                      method="PUT", headers={"Content-Type": "application/json"})).close()
        print(f"  {ACCOUNTS} accounts x 20 groups, answers after {LATENCY_MS} ms: a sandbox with them after {time.monotonic() - began:.0f} s")
        started = time.monotonic()
        bench.start()
        known = 0
        while True:
            _, active, _, behind = next_standing(bench, known, end - 70)
            known += 1
            if active >= wanted and behind < 100:  # each was read once: none is as old as the start less a minute
                break
        print(f"  all found and read up {time.monotonic() - started:.0f} s after the start (told each minute), {processor_seconds(bench.pid):.0f} s of processor time")
        sys.stdout.flush()
        # One minute more, so that nothing of the discovery is measured; then as many whole minutes as there is time for, three at most.
        used, at, pages = processor_seconds(bench.pid), time.monotonic(), standings(bench)[-1][2]
        for minute in range(4):
            if minute > 1 and time.monotonic() + 65 > end:
                break
            _, _, read, behind = next_standing(bench, known, end)
            known += 1
            now, spent = time.monotonic(), processor_seconds(bench.pid)
            if minute > 0:
                print(f"  minute {minute}: {100 * (spent - used) / (now - at):.1f} % of a core, {(read - pages) * 60 / (now - at):.0f} pages read a minute, "
                      f"{1e6 * (spent - used) / max(read - pages, 1):.0f} us of processor time a page, {behind} s behind at most, {resident_mb(bench.pid):.0f} MB resident")
                sys.stdout.flush()
            used, at, pages = spent, now, read
        print("  " + [line for line in bench.collector.output().splitlines() if "accounts and Regions" in line][-1].split(" info ")[-1])
    finally:
        bench.close()


def main():
    events_per_second = None
    for part in PARTS:
        print(part)
        if part == "files":
            events_per_second = throughput("files:{folder}/out")
        elif part == "search":
            throughput("search")
        elif part == "tail":
            tail(events_per_second)
        elif part == "quiet":
            quiet()
        else:
            sys.exit(f"no part {part}: files, search, tail, quiet")


main()
