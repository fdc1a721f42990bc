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


ZSTD = ctypes.CDLL("libzstd.so.1")
for function in (ZSTD.ZSTD_compress, ZSTD.ZSTD_decompress, ZSTD.ZSTD_findFrameCompressedSize):
    function.restype = ctypes.c_size_t
SHORT = 72  # ZSTD_error_srcSize_wrong: the frame goes on


def zstd(size):
    """The size that a function of zstd returned, or None where its input was cut short."""
    if not ZSTD.ZSTD_isError(ctypes.c_size_t(size)):
        return size
    if ZSTD.ZSTD_getErrorCode(ctypes.c_size_t(size)) != SHORT:
        raise AssertionError("not zstd")
    return None


def decompressed(data):
    """What whole frames hold; the last one may still be written, and counts as not there."""
    whole = 0
    while whole < len(data):
        size = zstd(ZSTD.ZSTD_findFrameCompressedSize(data[whole:], ctypes.c_size_t(len(data) - whole)))
        if size is None:
            break
        whole += size
    room = ctypes.create_string_buffer(64 * MIB)
    size = zstd(ZSTD.ZSTD_decompress(room, ctypes.c_size_t(len(room)), data, ctypes.c_size_t(whole)))
    return ctypes.string_at(room, size)


def whole_lines(data):
    """The last line may still be written, to the middle of a character: without its end it is none."""
    return data[:data.rfind(b"\n") + 1].decode().split("\n")[:-1]  # strictly


class Reading(unittest.TestCase):
    """How this test reads files that somebody writes meanwhile."""

    def test_a_line_that_is_still_written_is_none(self):
        data = '{"message":"\u0436"}\n'.encode()
        for end in range(len(data)):
            self.assertEqual(whole_lines(data[:end]), [])
            self.assertEqual(whole_lines(data + data[:end]), ['{"message":"\u0436"}'])

    def test_a_frame_that_is_still_written_is_none_and_a_broken_one_is_told(self):
        room = ctypes.create_string_buffer(1_000)
        size = ZSTD.ZSTD_compress(room, ctypes.c_size_t(1_000), b"text" * 20, ctypes.c_size_t(80), 3)
        frame = room.raw[:size]
        for end in range(len(frame)):
            self.assertEqual(decompressed(frame[:end]), b"")
            self.assertEqual(decompressed(frame + frame[:end]), b"text" * 20)
        with self.assertRaises(AssertionError):
            decompressed(frame + b"not a frame at all")


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
            lines = whole_lines(read(os.path.join(self.folder, "stdout")))
        else:
            files = map(read, sorted(glob.glob(os.path.join(self.folder, where, "deputy-logs-*"))))
            lines = [line for data in files for line in whole_lines(decompressed(data) if where == "small" else data)]
        for steering in STEERING[:-1]:  # what turns text around is no danger to a file
            self.assertFalse([line[:100] for line in lines if steering in line], where)
        return [(record["event_id"], record["message"]) for record in map(json.loads, lines) if record["message"] != "GET /cart 200"]

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
        for where in ("plain", "small", "stdout"):
            self.wait_until(lambda: len({each for each, _ in self.lines(where)}) >= len(AS_KEPT), tell)
            self.assert_whole(self.lines(where), where, once=where != "stdout")
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
