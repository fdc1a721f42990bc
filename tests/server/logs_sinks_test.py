"""Logs that a customer's application writes, all the way: collected, in a search, in files, at an OTLP receiver that is down at first; and what kill -9 leaves."""

import glob
import gzip
import http.server
import json
import os
import signal
import threading
import time
import unittest

from harness import REGION, ServerTest

GROUP = "/acme/webshop"


class Receiver:
    """An OTLP receiver: 503 until it is `up`, then it keeps the bodies of records."""

    def __init__(self):
        receiver = self
        self.up, self.messages = False, []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(gzip.decompress(self.rfile.read(int(self.headers["Content-Length"]))))
                if receiver.up:
                    receiver.messages += [record["body"]["stringValue"] for resource in body["resourceLogs"]
                                          for scope in resource["scopeLogs"] for record in scope["logRecords"]]
                self.send_response(200 if receiver.up else 503)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1/logs"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class LogsSinks(ServerTest):
    def define_integration(self, **more):
        return super().define_integration(logs={"regions": [REGION], "groups": ["/acme/*"]}, **more)

    def write(self, *messages):
        now = int(time.time() * 1000)
        self.sandbox.client("logs").put_log_events(logGroupName=GROUP, logStreamName="web-1", logEvents=[
            {"timestamp": now + number, "message": message} for number, message in enumerate(messages)])

    def eventually(self, look, seconds=60):
        end = time.monotonic() + seconds
        while True:
            found = look()
            if found or time.monotonic() > end:
                return found
            time.sleep(0.1)

    def search(self, tenant, query):
        done = self.deputy.command("logs", "search", "--tenant", tenant, query, "--output", "json", "-n", "1000")
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def in_files(self):
        lines = []
        for name in sorted(glob.glob(os.path.join(self.folder, "out", "*.ndjson"))):
            with open(name) as file:
                lines += [json.loads(line) for line in file]
        return lines

    def test_what_was_written_is_everywhere_once(self):
        receiver = Receiver()
        self.addCleanup(receiver.close)
        self.deputy.stop()
        self.deputy.settings.update(DEPUTY_LOGS__COLLECT="true", DEPUTY_LOGS__POLL_MAX="1s", DEPUTY_LOGS__DISCOVERY="1s",
                                    DEPUTY_LOGS__SINKS=f"search,files:{self.folder}/out,otlp:{receiver.url}")
        self.deputy.start()
        connection = self.active_connection()
        tenant = connection["tenant_id"]
        self.write("payment refused", json.dumps({"level": "error", "order": {"id": 4711}}), "payment taken")
        self.assertTrue(self.eventually(lambda: len(self.search(tenant, "payment")) == 2), self.deputy.process.output())
        found = self.search(tenant, "order.id:4711")
        self.assertEqual(len(found), 1)
        self.assertEqual((found[0]["group"], found[0]["connection_id"], found[0]["account_id"]), (GROUP, connection["id"], "222222222222"))
        other = self.deputy.must("POST", "/v1/tenants", {"name": "Globex"})
        self.assertEqual(self.search(other["id"], ""), [])
        self.assertTrue(self.eventually(lambda: len(self.in_files()) >= 3))
        self.assertEqual(receiver.messages, [])  # down, and nobody waits for it

        self.deputy.stop(signal.SIGKILL)
        self.write("payment after the kill")
        receiver.up = True
        self.deputy.start()
        self.assertTrue(self.eventually(lambda: len(self.search(tenant, "payment")) == 3), self.deputy.process.output())
        self.assertTrue(self.eventually(lambda: "payment after the kill" in receiver.messages))
        for places in ([line["message"] for line in self.in_files()], [record["message"] for record in self.search(tenant, "")]):
            self.assertEqual(len(places), len(set(places)), places)
            self.assertTrue({"payment refused", "payment taken", "payment after the kill"} <= set(places))
        self.assertTrue({"payment refused", "payment taken"} <= set(receiver.messages))


if __name__ == "__main__":
    unittest.main()
