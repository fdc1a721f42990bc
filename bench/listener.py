#!/usr/bin/python3
"""The listener with a handler that does nothing, against nginx's `return 200` with the same bytes: each pinned to the same core, asked by wrk from
another, in turns. Prints requests a second and the processor's time for each request, which other programs on the machine disturb least.

Usage: bench/listener.py LISTENER_HOST [--seconds N] [--turns N] [--connections N] [--tls]
"""
import argparse
import os
import re
import shutil
import signal
import statistics
import subprocess
import tempfile
import time

BODY_BYTES = 1400
NGINX = """worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/log;
events {{ worker_connections 16384; }}
http {{ access_log off; keepalive_requests 1000000000; server_tokens off;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{ listen 127.0.0.1:{port} {ssl}; {certificate}
    location / {{ default_type application/json; return 200 "{body}"; }} }} }}
"""


def processor_seconds(pids):
    """Of these processes, so far."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


class Server:
    def __init__(self, name, process, port, scheme):
        self.name, self.process, self.url = name, process, f"{scheme}://127.0.0.1:{port}/"

    def pids(self):
        children = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True).stdout.split()
        return [self.process.pid, *map(int, children)]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=10)


def start_nginx(folder, port, pair):
    configuration = os.path.join(folder, "nginx.conf")
    certificate = f"ssl_certificate {pair[0]}; ssl_certificate_key {pair[1]};" if pair else ""
    with open(configuration, "w") as file:
        file.write(NGINX.format(folder=folder, port=port, ssl="ssl" if pair else "", certificate=certificate, body="x" * BODY_BYTES))
    process = subprocess.Popen(["taskset", "-c", "0", "/usr/sbin/nginx", "-c", configuration, "-p", folder], stderr=subprocess.DEVNULL)
    return Server("nginx", process, port, "https" if pair else "http")


def start_host(name, binary, pair):
    process = subprocess.Popen(["taskset", "-c", "0", binary, str(BODY_BYTES), *(pair or ())], stdout=subprocess.PIPE, text=True)
    return Server(name, process, int(process.stdout.readline()), "https" if pair else "http")


def measure(server, seconds, connections):
    before = processor_seconds(server.pids())
    done = subprocess.run(["taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", server.url],
                          capture_output=True, text=True, check=True).stdout
    spent = processor_seconds(server.pids()) - before
    requests = int(re.search(r"(\d+) requests in", done).group(1))
    assert "Socket errors" not in done and "Non-2xx" not in done, done
    return float(re.search(r"Requests/sec:\s+([\d.]+)", done).group(1)), spent / requests * 1e6


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("hosts", nargs="+")
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--tls", action="store_true")
    arguments = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="deputy-bench-")
    pair = None
    if arguments.tls:
        pair = (os.path.join(folder, "tls.pem"), os.path.join(folder, "tls.key"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj", "/CN=bench",
                        "-out", pair[0], "-keyout", pair[1]], check=True, capture_output=True)
        os.chmod(pair[1], 0o600)
    servers = [start_nginx(folder, 18_080, pair)] + [start_host(host, host, pair) for host in arguments.hosts]
    try:
        time.sleep(0.5)
        seen = {server.name: [] for server in servers}
        for _ in range(arguments.turns):
            for server in servers:
                seen[server.name].append(measure(server, arguments.seconds, arguments.connections))
        base = statistics.median(one[1] for one in seen["nginx"])
        for name, turns in seen.items():
            rate, each = statistics.median(one[0] for one in turns), statistics.median(one[1] for one in turns)
            print(f"{name}: {rate:,.0f} requests/s, {each:.2f} us of the processor each, {base / each:.2f} of nginx's by that")
    finally:
        for server in servers:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


main()
