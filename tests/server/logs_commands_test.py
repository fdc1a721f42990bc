"""`deputy logs search` and `tail` against a server whose records are hostile, on a terminal and off it."""

import http.server
import json
import os
import signal
import socket
import subprocess
import threading
import unittest
import urllib.parse

from harness import BINARY, on_terminal

HOSTILE = "a\x1b]0;owned\x07b\x9b31mc\x7f\u202ed\r\nforged\tline\n"


def record(number, message, group="/aws/lambda/pay"):
    return {"timestamp": "2026-11-28T01:02:03.004Z", "ingested_at": "2026-11-28T01:02:03.104Z", "connection_id": "con_a", "account_id": "1" * 12,
            "region": "eu-central-1", "group": group, "stream": "s", "event_id": str(number), "message": message}


def page(items, cursor=None, not_searched=()):
    return {"items": items, "next_cursor": cursor, "cut_off": False, "not_searched": list(not_searched)}


class Server:
    """Answers by `answer(path, query)`: status and an object."""

    def __init__(self, answer):
        calls = self.calls = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                url = urllib.parse.urlsplit(self.path)
                query = dict(urllib.parse.parse_qsl(url.query))
                calls.append((url.path, query))
                status, body = answer(url.path, query)
                body = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                try:
                    self.wfile.write(body)
                except ConnectionError:  # it read enough
                    pass

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.environment = {"PATH": os.environ["PATH"], "DEPUTY_URL": f"http://127.0.0.1:{self.server.server_port}", "DEPUTY_KEY": "dpk_admin_x"}
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class LogsCommands(unittest.TestCase):
    def run_on(self, answer, *arguments, terminal=False, **more):
        server = Server(answer)
        self.addCleanup(server.close)
        environment = server.environment | more
        if terminal:
            return server, on_terminal(["logs", *arguments], environment)
        return server, subprocess.run([BINARY, "logs", *arguments], env=environment, capture_output=True, text=True, timeout=30)

    def test_nothing_of_a_message_steers_a_terminal(self):
        answer = lambda path, query: (200, page([record(1, HOSTILE)]))
        for output in ("text", "json"):
            for colour in ({}, {"NO_COLOR": "1"}):
                _, written = self.run_on(answer, "search", "--tenant", "ten_a", "--output", output, terminal=True, **colour)
                plain = written if colour else __import__("re").sub(r"\x1b\[(9?3?[0-9])?m|\x1b\[0m", "", written)
                for bad in "\x1b\x07\x9b\x7f\u202e":
                    self.assertNotIn(bad, plain, (output, colour))
        _, written = self.run_on(answer, "search", "--tenant", "ten_a", terminal=True)
        self.assertIn("\x1b[", written)  # the group's colour
        self.assertIn("\n    forged line", written)  # cannot pass for a record
        _, written = self.run_on(answer, "search", "--tenant", "ten_a")
        self.assertNotIn("\x1b", written.stdout)  # no colour where nobody looks

    def test_nothing_of_a_name_or_an_error_steers_a_terminal(self):
        error = {"code": HOSTILE, "message": HOSTILE, "at": "2026-11-28T01:02:03Z"}
        connection = {"tenant_id": "ten_a", "connection_id": "con_a", "region": "eu-central-1", "held": True, "sources": 1, "last_success": None, "last_error": error}
        source = {"tenant_id": "ten_a", "connection_id": "con_a", "account_id": "1" * 12, "region": "eu-central-1", "log_group": HOSTILE, "status": "active",
                  "lag_seconds": 1, "events": 1, "rescan_events": 0, "last_error": error}
        sink = {"sink": "otlp:http://there", "bytes_behind": 1, "failures": 1, "refused": 0, "trouble": error}
        bodies = {"/v1/logs/sources": {"items": [source], "next_cursor": None},
                  "/v1/logs/status": {"sources": {"active": 1}, "lag_seconds": 1, "spool": {"bytes": 1, "bytes_max": 2}, "sinks": [sink], "tenants": [],
                                      "connections": [connection]}}
        for command in ("sources", "status"):
            _, written = self.run_on(lambda path, query: (200, bodies[path]), command, terminal=True)
            for bad in "\x1b\x07\x9b\x7f\u202e":
                self.assertNotIn(bad, written, command)
            self.assertFalse([line for line in written.splitlines() if line.startswith("forged")], written)
        _, written = self.run_on(lambda path, query: (200, bodies[path]), "status", terminal=True)
        self.assertIn("stands still", written)
        hostile = page([record(1, "m", group=HOSTILE)])
        for output in ("text", "json"):
            _, written = self.run_on(lambda path, query: (200, hostile), "search", "--tenant", "ten_a", "--output", output, terminal=True, NO_COLOR="1")
            for bad in "\x1b\x07\x9b\x7f\u202e":
                self.assertNotIn(bad, written, output)
            self.assertFalse([line for line in written.splitlines() if line.startswith("forged")], written)

    def test_status_and_sources_follow_all_pages(self):
        def answer(path, query):
            number = int(query.get("cursor", "0"))
            following = str(number + 1) if number < 2 else None
            if path == "/v1/logs/sources":
                return 200, {"items": [{"connection_id": f"con_{number}", "log_group": "/g"}], "next_cursor": following}
            return 200, {"sources": {"active": 3}, "lag_seconds": 1, "spool": {}, "sinks": [],
                         "tenants": [{"tenant_id": f"ten_{number}"}] if number < 2 else [],
                         "connections": [{"connection_id": f"con_{number}", "region": "eu-central-1"}], "next_cursor": following}

        server, done = self.run_on(answer, "status", "--output", "json")
        whole = json.loads(done.stdout)
        self.assertEqual([each["tenant_id"] for each in whole["tenants"]], ["ten_0", "ten_1"])
        self.assertEqual([each["connection_id"] for each in whole["connections"]], ["con_0", "con_1", "con_2"])
        self.assertEqual((whole["next_cursor"], whole["sources"]), (None, {"active": 3}))
        self.assertEqual(server.calls, [("/v1/logs/status", {"limit": "200"} | more) for more in ({}, {"cursor": "1"}, {"cursor": "2"})])
        _, done = self.run_on(answer, "status")
        for shown in ("ten_0", "ten_1", "con_0", "con_1", "con_2"):
            self.assertEqual(done.stdout.count(shown + " "), 1, done.stdout)
        self.assertEqual(done.stdout.count("log groups  "), 1)
        server, done = self.run_on(answer, "sources", "--output", "json")
        self.assertEqual([each["connection_id"] for each in json.loads(done.stdout)["items"]], ["con_0", "con_1", "con_2"])

    def test_search_asks_for_what_was_said_and_pages(self):
        def answer(path, query):
            number = int(query.get("cursor", "0"))
            return 200, page([record(number, f"m{number}")], str(number + 1), [{"day": "2026-11-27", "reason": "damaged"}])

        server, done = self.run_on(answer, "search", "--tenant", "ten_a", "a:b OR \"c d\"", "--from", "2026-11-28T00:00:00Z", "-n", "3", "--output", "json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([json.loads(line)["event_id"] for line in done.stdout.splitlines()], ["0", "1", "2"])
        self.assertEqual(done.stderr, "deputy: 2026-11-27 is not searched: damaged\n")
        path, query = server.calls[0]
        self.assertEqual(path, "/v1/logs/search")
        self.assertEqual(query, {"tenant_id": "ten_a", "limit": "3", "q": "a:b OR \"c d\"", "from": "2026-11-28T00:00:00Z"})
        self.assertEqual([query.get("cursor") for _, query in server.calls], [None, "1", "2"])

    def test_a_query_that_cannot_be_read_is_told_with_its_place(self):
        problem = {"code": "invalid_request", "detail": "the query cannot be read at character 3: x", "field": "q", "status": 400}
        _, done = self.run_on(lambda path, query: (400, problem), "search", "--tenant", "ten_a", "a (")
        self.assertEqual(done.returncode, 1)
        self.assertIn("at character 3", done.stderr)

    def test_tail_shows_what_is_there_and_follows(self):
        arrived = {"c1": page([record(3, "three"), record(2, "two")], "c2"), "c2": page([], "c2")}

        def answer(path, query):
            if path == "/v1/logs/search":
                return 200, page([record(2, "two"), record(1, "one")])
            if "cursor" not in query:
                return 200, page([], "c1")
            if query["cursor"] == "c2":
                process.send_signal(signal.SIGINT)
            return 200, arrived[query["cursor"]]

        server = Server(answer)
        self.addCleanup(server.close)
        process = subprocess.Popen([BINARY, "logs", "tail", "--tenant", "ten_a", "t*"], stdout=subprocess.PIPE, text=True, env=server.environment)
        written, _ = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0)
        self.assertEqual([line.split()[-1] for line in written.splitlines()], ["one", "two", "three"])
        self.assertEqual(server.calls[0], ("/v1/logs/tail", {"tenant_id": "ten_a", "limit": "1", "q": "t*"}))

    def follow(self, answer):
        """`deputy logs tail` where nothing is yet, and `answer(its process)` says what arrives; how it ends, and what it told."""
        begun = []

        def answer_all(path, query):
            if path == "/v1/logs/search" or "cursor" not in query:
                return 200, page([], None if path == "/v1/logs/search" else "0")
            return answer(begun[0])

        server = Server(answer_all)
        self.addCleanup(server.close)
        begun.append(subprocess.Popen([BINARY, "logs", "tail", "--tenant", "ten_a"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=server.environment))
        self.addCleanup(lambda: begun[0].poll() is None and begun[0].kill())
        _, told = begun[0].communicate(timeout=60)
        return begun[0].returncode, told

    def test_tail_ends_where_a_page_is_too_large_to_be_read(self):
        large = page([record(1, "m" * 33 * 1024 * 1024)], "1")
        status, told = self.follow(lambda process: (200, large))
        self.assertEqual(status, 3)
        self.assertEqual(told.count("is too large to be read"), 1, told)

    def test_tail_waits_for_a_server_that_fails_and_tells_it_once(self):
        calls = []

        def answer(process):
            calls.append(1)
            if len(calls) < 3:
                return 503, {"code": "overloaded", "detail": f"no room {len(calls)}", "status": 503}
            process.send_signal(signal.SIGINT)
            return 200, page([], "0")

        self.assertEqual(self.follow(answer), (0, "deputy: overloaded: no room 1\n        asked again until it answers\n"))

    def test_status_ends_where_the_server_never_does(self):
        listener = socket.create_server(("127.0.0.1", 0), backlog=16)
        body = b'{"items":[],"next_cursor":"again"}'
        answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
        asked = []

        def serve():
            while True:
                try:
                    line = listener.accept()[0]
                except OSError:
                    return
                with line:
                    line.recv(65536)
                    asked.append(1)
                    line.sendall(answer)

        serving = threading.Thread(target=serve, daemon=True)
        serving.start()
        self.addCleanup(listener.close)
        self.addCleanup(serving.join, 10)
        self.addCleanup(listener.shutdown, socket.SHUT_RDWR)
        environment = {"PATH": os.environ["PATH"], "DEPUTY_URL": f"http://127.0.0.1:{listener.getsockname()[1]}", "DEPUTY_KEY": "dpk_admin_x"}
        done = subprocess.run([BINARY, "logs", "status"], env=environment, capture_output=True, text=True, timeout=200)
        self.assertEqual((done.returncode, len(asked)), (3, 10_000))
        self.assertIn("does not end", done.stderr)


class OnTerminal(unittest.TestCase):
    def test_what_does_not_end_in_time_is_ended(self):
        server = Server(lambda path, query: (200, page([], "0" if path == "/v1/logs/tail" else None)))
        self.addCleanup(server.close)
        with self.assertRaisesRegex(AssertionError, "did not end within 1 s"):
            on_terminal(["logs", "tail", "--tenant", "ten_a"], server.environment, until="what never comes", seconds=1)


if __name__ == "__main__":
    unittest.main()
