#!/usr/bin/python3
"""How fast Deputy issues credentials: over HTTP, from its process, beside nginx on the same core.

Usage: bench/issuing.py BINARY FLEET [PART...]     parts: warm half cold start many tls   (default: all but tls)
  BINARY  the release binary of deputy        FLEET  deputy_bench_fleet
Environment: BENCH_SECONDS a run (5), BENCH_ROUNDS (3), BENCH_MANY connections (1000000), BENCH_CACHED (50000); BENCH_FLEETS, the folder
that keeps what `many` registered, for the next run (beside FLEET)

Deputy and nginx are pinned to the first core one after the other, the load (wrk) and the sandbox to the second. Where machines are
shared, processor time for each request says more than requests a second: both are printed, as minimum/median/maximum.
"""

import json
import os
import random
import re
import shutil
import signal
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
os.environ["DEPUTY_BINARY"] = os.path.abspath(sys.argv[1])
sys.path.insert(0, os.path.join(ROOT, "tests", "server"))
from harness import BINARY, Deputy, PARTNER_ROLE, Process, Sandbox, trust  # noqa: E402  (after the path to it)

FLEET = os.path.abspath(sys.argv[2])
PARTS = sys.argv[3:] or ["warm", "half", "cold", "start", "many"]
SECONDS = int(os.environ.get("BENCH_SECONDS", 5))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", 3))
MANY = int(os.environ.get("BENCH_MANY", 1_000_000))
CACHED = int(os.environ.get("BENCH_CACHED", 50_000))
FLEETS = os.path.abspath(os.environ.get("BENCH_FLEETS", os.path.dirname(FLEET)))
FEW = 1_000
SERVER_CORE, LOAD_CORE = "0", "1"
TICKS = os.sysconf("SC_CLK_TCK")
CONNECTIONS = 64
UNVERIFIED = ssl._create_unverified_context()  # of a certificate made here a moment ago

# One connection at random for each request. `pause`: how long a line rests after an answer, so that the load is less than all.
WRK_SCRIPT = """
local paths = {}
for line in io.lines("%(paths)s") do paths[#paths + 1] = line end
local key = "%(key)s"
local pause = %(pause)f
local bad = 0
math.randomseed(%(seed)d)
wrk.headers["Authorization"] = key
local requests = {}
function request()
  local at = math.random(#paths)
  local made = requests[at]
  if made == nil then made = wrk.format("GET", paths[at]); requests[at] = made end
  return made
end
if pause > 0 then
  function delay() return math.floor(2 * pause * math.random() + 0.5) end
end
"""


def spread(values, digits=0):
    return "/".join(f"{value:.{digits}f}" for value in (min(values), statistics.median(values), max(values)))


def on_core(core, *command):
    return ["taskset", "-c", core, *command]


def pin(pid, core):
    subprocess.run(["taskset", "-a", "-c", "-p", core, str(pid)], check=True, stdout=subprocess.DEVNULL)


def processor_seconds(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_mb(pid):
    with open(f"/proc/{pid}/status") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1)) / 1024


class Load:
    """What one run of wrk found."""

    def __init__(self, url, script, pid, connections=CONNECTIONS, seconds=SECONDS):
        before = processor_seconds(pid)
        done = subprocess.run(on_core(LOAD_CORE, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", script, url),
                              capture_output=True, text=True, check=True)
        used = processor_seconds(pid) - before
        if "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
            raise AssertionError(done.stdout)
        requests = int(re.search(r"(\d+) requests in", done.stdout).group(1))
        self.rate = float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout).group(1))
        self.microseconds = 1e6 * used / requests
        units = {"us": 0.001, "ms": 1, "s": 1000}
        self.latency_ms = {}
        for percent in (50, 90, 99):
            value, unit = re.search(rf"{percent}%\s+([\d.]+)(us|ms|s)", done.stdout).groups()
            self.latency_ms[percent] = float(value) * units[unit]


class Nginx:
    """`return 200` of the same bytes, with the header fields of Deputy's answer."""

    def __init__(self, folder, answer, port, tls=None):
        fields = "".join(f'    add_header {name} "{answer.headers[name]}";\n' for name in ("Cache-Control", "X-Content-Type-Options", "X-Request-Id") if answer.headers[name])
        body = answer.text.replace("\\", "\\\\").replace("'", "\\'").replace("$", "$")
        secure = f"ssl_certificate {tls[0]}; ssl_certificate_key {tls[1]};" if tls else ""
        config = f"""
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 100000000; keepalive_timeout 300; default_type application/json;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{ listen 127.0.0.1:{port} {"ssl" if tls else ""}; {secure}
    location / {{
{fields}    return 200 '{body}'; }}
  }}
}}
"""
        path = os.path.join(folder, "nginx.conf")
        with open(path, "w") as file:
            file.write(config)
        self.process = Process(on_core(SERVER_CORE, "nginx", "-c", path))
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
        for _ in range(200):
            workers = subprocess.run(["pgrep", "-P", str(self.process.process.pid)], capture_output=True, text=True).stdout.split()
            if workers:
                break
            time.sleep(0.02)
        self.pid = int(workers[0])
        time.sleep(0.2)


def register(folder, role, connections):
    """Fills the database of a fresh installation; returns a workload's key and the connections."""
    database, master_key = (os.path.join(folder, name) for name in ("deputy.db", "master.key"))
    began = time.monotonic()
    made = subprocess.run([FLEET, database, master_key, PARTNER_ROLE, role, str(connections)], capture_output=True, text=True, check=True).stdout
    print(f"  {connections} connections registered in {time.monotonic() - began:.1f} s, {os.path.getsize(database) / 2**20:.0f} MB on disk")
    return made


class Bench:
    def __init__(self, connections, kept=None):
        self.folder = tempfile.mkdtemp(prefix="deputy-bench-", dir=os.environ.get("BENCH_FOLDER"))
        self.sandbox = Sandbox(self.folder)
        pin(self.sandbox.process.process.pid, LOAD_CORE)
        role = self.sandbox.client("iam").create_role(RoleName="reader", AssumeRolePolicyDocument=trust())["Role"]["Arn"]
        self.deputy = Deputy(self.folder, self.sandbox)
        self.deputy.settings.update({"DEPUTY_CREDENTIALS__STS_RATE": "10000", "DEPUTY_AWS__PARTNER_PRINCIPAL": PARTNER_ROLE})
        listing = os.path.join(kept, "fleet.txt") if kept else None
        if kept and not os.path.exists(listing):
            shutil.rmtree(kept, ignore_errors=True)  # of a run that was broken off
            shutil.copytree(self.deputy.folder, kept)
            made = register(kept, role, connections)
            with open(listing, "w") as file:
                file.write(made)
        if kept:
            self.deputy.folder = kept
            with open(listing) as file:
                made = file.read()
        else:
            made = register(self.deputy.folder, role, connections)
        self.key, *self.connections = made.split()

    def start(self):
        self.deputy.start()
        self.pid = self.deputy.process.process.pid
        pin(self.pid, SERVER_CORE)

    def script(self, name, paths, pause=0.0):
        listed = os.path.join(self.folder, name + ".paths")
        with open(listed, "w") as file:
            file.writelines(f"/v1/credentials/{id}\n" for id in paths)
        script = os.path.join(self.folder, name + ".lua")
        with open(script, "w") as file:
            file.write(WRK_SCRIPT % {"paths": listed, "key": self.key, "pause": pause, "seed": random.randrange(1 << 30)})
        return script

    def answer(self, connection):
        answer = self.deputy.call("GET", f"/v1/credentials/{connection}", key=self.key)
        if answer.status != 200:
            raise AssertionError(answer)
        return answer

    def metric(self, name):
        text = urllib.request.urlopen(self.deputy.url + "/metrics", context=ssl._create_unverified_context()).read().decode()
        found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
        return float(found.group(1)) if found else 0.0

    def warm_up(self, connections):
        """Puts each connection's session into the cache."""
        import concurrent.futures
        import http.client
        port = int(self.deputy.url.rsplit(":", 1)[1])

        def ask(part):
            line = http.client.HTTPConnection("127.0.0.1", port)
            for id in part:
                for _ in range(5):
                    line.request("GET", f"/v1/credentials/{id}", headers={"Authorization": self.key})
                    answer = line.getresponse()
                    answer.read()
                    if answer.status == 200:
                        break
                    time.sleep(0.5)
                else:
                    raise AssertionError(answer.status)
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            list(pool.map(ask, [connections[i::16] for i in range(16)]))

    def wait_for_quiet(self):
        """The first check of the whole database runs beside the work: not what is measured here."""
        while True:
            before = processor_seconds(self.pid)
            time.sleep(1)
            if processor_seconds(self.pid) - before < 0.05:
                return

    def end(self):
        if self.deputy.process:
            self.deputy.stop()
        self.sandbox.process.end()
        shutil.rmtree(self.folder, ignore_errors=True)


def warm_against_nginx(bench, connections, tls=None, answer=None):
    """Alternating runs, nginx first. Returns Deputy's median rate."""
    answer = answer or bench.answer(connections[0])
    nginx_folder = os.path.join(bench.folder, "nginx")
    os.makedirs(nginx_folder, exist_ok=True)
    script = bench.script("warm", connections)
    ours, theirs = [], []
    for _ in range(ROUNDS):
        nginx = Nginx(nginx_folder, answer, random.randrange(20_000, 30_000), tls)
        theirs.append(Load(nginx.url, script, nginx.pid))
        nginx.process.end(signal.SIGTERM)
        ours.append(Load(bench.deputy.url, script, bench.pid))
    records = bench.metric("deputy_journal_write_records_sum") / max(1.0, bench.metric("deputy_journal_write_records_count"))
    print(f"  body of {len(answer.text)} bytes, {CONNECTIONS} lines, {ROUNDS} runs of {SECONDS} s each, minimum/median/maximum:")
    for name, runs in (("nginx", theirs), ("deputy", ours)):
        print(f"  {name:7} {spread([run.rate for run in runs])} requests/s, {spread([run.microseconds for run in runs], 1)} µs of processor time each, "
              f"p99 {spread([run.latency_ms[99] for run in runs], 2)} ms")
    print(f"  ratio   {spread([a.rate / b.rate for a, b in zip(ours, theirs)], 2)} of nginx's requests/s, "
          f"{spread([b.microseconds / a.microseconds for a, b in zip(ours, theirs)], 2)} by processor time; {records:.0f} records in a transaction")
    return statistics.median(run.rate for run in ours)


def half_load(bench, connections, full_rate):
    pause = 1000 * CONNECTIONS / (full_rate / 2) - 0.3
    script = bench.script("half", connections, pause=max(pause, 0.5))
    runs = [Load(bench.deputy.url, script, bench.pid) for _ in range(ROUNDS)]
    print(f"  {spread([run.rate for run in runs])} requests/s: p50 {spread([run.latency_ms[50] for run in runs], 2)} ms, "
          f"p90 {spread([run.latency_ms[90] for run in runs], 2)} ms, p99 {spread([run.latency_ms[99] for run in runs], 2)} ms")


def cold(bench, connections):
    """One after the other, each a miss: what is beyond the call to STS itself, which Deputy times."""
    script = os.path.join(bench.folder, "cold.lua")
    listed = os.path.join(bench.folder, "cold.paths")
    with open(listed, "w") as file:
        file.writelines(f"/v1/credentials/{id}\n" for id in connections)
    with open(script, "w") as file:
        file.write(f"""
local paths = {{}}
for line in io.lines("{listed}") do paths[#paths + 1] = line end
wrk.headers["Authorization"] = "{bench.key}"
local at = 0
function request() at = at % #paths + 1; return wrk.format("GET", paths[at]) end
""")
    names = [f"deputy_{name}_{part}" for name in ("sts_call_seconds", "journal_write_seconds") for part in ("sum", "count")]
    route = '{route="/v1/credentials/{connection}"}'
    asked = [f"deputy_http_request_seconds_{part}{route}" for part in ("sum", "count")]
    def read():
        return [bench.metric(name) for name in names + asked]
    before = read()
    subprocess.run(on_core(LOAD_CORE, "wrk", "-t1", "-c1", "-d1s", "-s", script, bench.deputy.url), check=True, stdout=subprocess.DEVNULL)
    sts, calls, journal, writes, http, requests = (after - earlier for after, earlier in zip(read(), before))
    print(f"  {requests:.0f} requests, {calls:.0f} calls to STS: a request {1e6 * http / requests:.0f} µs, the call {1e6 * sts / max(calls, 1):.0f} µs; "
          f"Deputy adds {1e6 * (http - sts) / requests:.0f} µs, of which the durable record {1e6 * journal / max(writes, 1):.0f} µs")


def start_times(bench):
    times = []
    for _ in range(2 * ROUNDS + 1):
        port = random.randrange(15_000, 20_000)  # below those that the system gives to clients
        environment = bench.deputy.environment(**bench.sandbox.partner_session())
        environment["DEPUTY_SERVER__LISTEN"] = f"127.0.0.1:{port}"
        began = time.monotonic()
        process = subprocess.Popen(on_core(SERVER_CORE, BINARY, "serve"), env=environment, cwd=bench.deputy.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz").read()
                break
            except OSError:
                time.sleep(0.001)
        times.append(1000 * (time.monotonic() - began))
        process.terminate()
        process.wait()
    print(f"  start to ready {spread(times)} ms over {len(times)} starts")


def part_few():
    print(f"== {FEW} connections")
    bench = Bench(FEW + 3_000)
    try:
        if "start" in PARTS:
            start_times(bench)
        bench.start()
        few, fresh = bench.connections[:FEW], bench.connections[FEW:]
        bench.warm_up(few)
        bench.wait_for_quiet()
        if "cold" in PARTS:
            cold(bench, fresh)
        rate = warm_against_nginx(bench, few) if "warm" in PARTS else 10_000
        if "half" in PARTS:
            half_load(bench, few, rate)
        print(f"  resident {resident_mb(bench.pid):.0f} MB")
    finally:
        bench.end()


def part_many():
    print(f"== {MANY} connections, {CACHED} of them cached")
    bench = Bench(MANY, os.path.join(FLEETS, f"fleet-{MANY}"))
    try:
        start_times(bench)
        bench.start()
        cached = random.sample(bench.connections, CACHED)
        print(f"  resident after the start {resident_mb(bench.pid):.0f} MB")
        bench.warm_up(cached)
        bench.wait_for_quiet()
        print(f"  resident with {CACHED} cached {resident_mb(bench.pid):.0f} MB")
        rate = warm_against_nginx(bench, cached)
        half_load(bench, cached, rate)
        print(f"  resident {resident_mb(bench.pid):.0f} MB")
    finally:
        bench.end()


def part_tls():
    print(f"== {FEW} connections, over TLS")
    bench = Bench(FEW)
    try:
        tls = [os.path.join(bench.folder, name) for name in ("tls.crt", "tls.key")]
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-out", tls[0], "-keyout", tls[1]], check=True, capture_output=True)
        bench.start()
        answer = bench.answer(bench.connections[0])
        bench.deputy.stop()
        bench.deputy.settings.update({"DEPUTY_SERVER__TLS_CERT_FILE": tls[0], "DEPUTY_SERVER__TLS_KEY_FILE": tls[1]})
        bench.start()
        bench.deputy.url = bench.deputy.url.replace("http:", "https:")
        script = bench.script("warm", bench.connections)
        warming = on_core(LOAD_CORE, "wrk", "-t1", "-c16", "-d6s", "-s", script, bench.deputy.url)
        subprocess.run(warming, check=True, stdout=subprocess.DEVNULL)
        warm_against_nginx(bench, bench.connections, tls, answer)
    finally:
        bench.end()


def main():
    print(f"1-minute load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    if {"warm", "half", "cold", "start"} & set(PARTS):
        part_few()
    if "tls" in PARTS:
        part_tls()
    if "many" in PARTS:
        part_many()


if __name__ == "__main__":
    main()
