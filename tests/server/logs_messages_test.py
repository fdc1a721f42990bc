"""Messages that break what reads lines: a megabyte long, with NUL, terminal escapes, deep JSON, bytes that are no UTF-8. In every sink, in a search and on a
terminal: all of them, whole, and nothing that steers."""

import collections
import ctypes
import glob
import gzip
import http.client
import http.server
import json
import os
import signal
import subprocess
import threading
import time
import unittest
import urllib.parse

from harness import BINARY, REGION, ServerTest, on_terminal

GROUP = "/acme/webshop"
EVENT_MAX = 1024 * 1024 - 26  # what AWS takes
MIB = 1024 * 1024
STEERING = [chr(code) for code in (*range(0, 10), *range(11, 32), *range(0x7f, 0xa0), 0x202e)]
BROKEN = "BROKEN-BYTES"  # what AWS's answer has in place of it is no UTF-8

words = " ".join(f"w{number:07}" for number in range(MIB))[:EVENT_MAX - 40] + " theverylastword"
MESSAGES = {
    "long": words,
    "nul": "before\0after\0\0",
    "escapes": ("\x1b[2J\x1b]0;owned\x07\x9b31m\x7f\u202e" * MIB)[:10_000] + "\r\nforged line\tend",
    # As long as can be, and six times that in JSON. More of them than an answer of the API has room for.
    **{f"controls {number}": f"{number}" + "\x1b" * (EVENT_MAX - 10) for number in range(2)},
    "deep": '{"a":' * 90_000 + '"deepest"' + "}" * 90_000,
    "deep and broken": "[" * 900_000,
    "broken": f"left {BROKEN} right",
    "half": "half \ufffd of a pair",
    "emoji": "\U0001f512 \u0436" * 1_000,
}
AS_WRITTEN = {**MESSAGES, "half": "half HALF-A-PAIR of a pair"}
AS_KEPT = {**MESSAGES, "broken": MESSAGES["broken"].replace(BROKEN, "\ufffd\ufffd\ufffd")}


class Answering(http.server.BaseHTTPRequestHandler):
    def give(self, status, body, headers=()):
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except ConnectionError:  # the collector was killed
            pass

    def log_message(self, *arguments):
        pass


def serve(test, handler):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    test.addCleanup(server.server_close)
    test.addCleanup(server.shutdown)
    return f"http://127.0.0.1:{server.server_port}"


def breaking(sandbox_url):
    """The sandbox's CloudWatch Logs, but for bytes in messages that no JSON writer would write."""
    there = urllib.parse.urlsplit(sandbox_url)

    class Between(Answering):
        def do_POST(self):
            connection = http.client.HTTPConnection(there.hostname, there.port, timeout=60)
            body = self.rfile.read(int(self.headers["Content-Length"]))
            connection.putrequest("POST", self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            body = answer.read().replace(BROKEN.encode(), b"\xff\xfe\xc3").replace(b"HALF-A-PAIR", b"\\ud83d")
            self.give(answer.status, body, [each for each in answer.getheaders() if each[0].lower() not in ("content-length", "connection")])
            connection.close()

    return Between


def receiver(records, sizes, body_max):
    """An OTLP receiver with a bound of what a body is once it is decompressed."""

    class Receiver(Answering):
        def do_POST(self):
            body = gzip.decompress(self.rfile.read(int(self.headers["Content-Length"])))
            if len(body) > body_max:
                sizes.append((len(body), "refused"))
                return self.give(413, b"")
            taken = [record for resource in json.loads(body)["resourceLogs"] for scope in resource["scopeLogs"] for record in scope["logRecords"]]
            sizes.append((len(body), len(taken)))
            records.extend((record["attributes"][0]["value"]["stringValue"], record["body"]["stringValue"]) for record in taken)
            self.give(200, b"{}")

    return Receiver


def read(*names):
    data = b""
    for name in names:
        with open(name, "rb") as file:
            data += file.read()
    return data


def decompressed(data):
    library = ctypes.CDLL("libzstd.so.1")
    library.ZSTD_decompress.restype = ctypes.c_size_t
    room = ctypes.create_string_buffer(64 * MIB)
    size = library.ZSTD_decompress(room, ctypes.c_size_t(len(room)), data, ctypes.c_size_t(len(data)))
    if library.ZSTD_isError(ctypes.c_size_t(size)):
        raise AssertionError("not zstd")
    return room.raw[:size]


class LogsMessages(ServerTest):
    def define_integration(self, **more):
        return super().define_integration(logs={"regions": [REGION], "groups": ["/acme/*"]}, **more)

    def wait_until(self, look, tell):
        end = time.monotonic() + 120
        while not look():
            if time.monotonic() > end:
                self.fail(tell())
            time.sleep(0.2)

    def collect(self, otlp_url):
        """In a process of its own: its standard output is a sink."""
        sinks = f"search,stdout,files:{self.folder}/plain,files+zstd:{self.folder}/small,otlp:{otlp_url}"
        self.deputy.settings.update(DEPUTY_LOGS__SINKS=sinks, DEPUTY_LOGS__POLL_MAX="1s", DEPUTY_LOGS__DISCOVERY="1s")
        environment = self.deputy.environment(DEPUTY_URL=self.deputy.url, DEPUTY_KEY=self.deputy.admin_key,
                                              AWS_ENDPOINT_URL_CLOUDWATCH_LOGS=serve(self, breaking(self.sandbox.url)))
        with open(os.path.join(self.folder, "stdout"), "wb") as out, open(os.path.join(self.folder, "stderr"), "wb") as err:
            collector = subprocess.Popen([BINARY, "logs", "collect"], env=environment, cwd=self.deputy.folder, stdout=out, stderr=err)
        self.addCleanup(collector.wait)
        self.addCleanup(collector.send_signal, signal.SIGKILL)

    def write(self):
        logs = self.sandbox.client("logs")
        for message in AS_WRITTEN.values():
            logs.put_log_events(logGroupName=GROUP, logStreamName="web-1", logEvents=[{"timestamp": int(time.time() * 1000), "message": message}])

    def lines(self, where):
        """Messages with their event IDs, of a place with NDJSON; nothing that a terminal would obey may be in it."""
        if where == "stdout":
            data = read(os.path.join(self.folder, "stdout"))
        else:
            data = read(*sorted(glob.glob(os.path.join(self.folder, where, "deputy-logs-*"))))
            data = decompressed(data) if where == "small" and data else data
        text = data.decode()  # strictly
        for steering in STEERING[:-1]:  # what turns text around is no danger to a file
            self.assertNotIn(steering, text, where)
        return [(record["event_id"], record["message"]) for record in map(json.loads, filter(None, text.split("\n"))) if record["message"] != "GET /cart 200"]

    def assert_whole(self, found, where, once=True):
        found = found if once else set(found)
        kept = collections.Counter(message for _, message in found)
        self.assertEqual({name: kept[message] for name, message in AS_KEPT.items()}, {name: 1 for name in AS_KEPT}, where)
        self.assertEqual(len(found), len(AS_KEPT), where)

    def test_they_are_everywhere_whole_and_steer_nothing(self):
        records, sizes = [], []
        self.deputy.stop()
        self.deputy.settings["DEPUTY_LOGS__SINKS"] = "search"
        self.deputy.start()
        tenant = self.active_connection()["tenant_id"]
        self.collect(serve(self, receiver(records, sizes, 7 * MIB)) + "/v1/logs")
        self.write()
        tell = lambda: read(os.path.join(self.folder, "stderr")).decode()[-3000:]
        self.wait_until(lambda: len({each for each, _ in records}) >= len(AS_KEPT), tell)
        self.wait_until(lambda: len(self.found(tenant, "")) >= len(AS_KEPT), tell)

        self.assert_whole(self.found(tenant, ""), "search")
        for where in ("plain", "small"):
            self.wait_until(lambda: len(self.lines(where)) >= len(AS_KEPT), tell)
            self.assert_whole(self.lines(where), where)
        self.assert_whole(self.lines("stdout"), "stdout", once=False)
        self.assert_whole(records, "otlp", once=False)
        self.assertNotIn("refused", {what for _, what in sizes})
        self.assertLessEqual(max(size for size, taken in sizes if taken > 1), 4 * MIB)
        self.assertEqual([message for _, message in self.found(tenant, "theverylastword")], [words])

        self.assert_shown_safely(self.must_search(tenant, ""), "no terminal")
        environment = self.deputy.environment(DEPUTY_URL=self.deputy.url, DEPUTY_KEY=self.deputy.admin_key, NO_COLOR="1")
        arguments = ["--tenant", tenant, "-n", "100"]
        self.assert_shown_safely(on_terminal(["logs", "search", *arguments], environment), "search")
        # The oldest comes first there, the one that was written last at the end.
        self.assert_shown_safely(on_terminal(["logs", "tail", *arguments], environment, until=AS_KEPT["emoji"][-20:] + "\r\n"), "tail")

    def found(self, tenant, query):
        lines = filter(None, self.must_search(tenant, query, "--output", "json").split("\n"))
        return [(record["event_id"], record["message"]) for record in map(json.loads, lines)]

    def must_search(self, tenant, query, *more):
        done = self.deputy.command("logs", "search", "--tenant", tenant, query, "-n", "100", *more)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def assert_shown_safely(self, written, where):
        written = written.replace("\r\n", "\n")  # a terminal's own line ends
        for steering in STEERING:
            self.assertNotIn(steering, written, where)
        for name, part in {"long": words, "nul": r"before\x00after\x00\x00", "deep": AS_KEPT["deep"], "deep and broken": "[" * 900_000,
                           "broken": "left \ufffd\ufffd\ufffd right", "emoji": AS_KEPT["emoji"],
                           **{f"controls {number}": f"{number}" + r"\x1b" * (EVENT_MAX - 10) for number in range(2)}}.items():
            self.assertEqual(written.count(f"  {part}\n"), 1, f"{name} in {where}")
        self.assertIn("\n    forged line end\n", written, where)  # cannot pass for a record


if __name__ == "__main__":
    unittest.main()
