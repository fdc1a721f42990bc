"""`deputy logs collect`: a process that only collects, alone and beside a server that collects too; kill -9 of either loses nothing and gives nothing twice."""

import glob
import json
import os
import signal
import time
import unittest

from harness import BINARY, REGION, Process, ServerTest

GROUP = "/acme/webshop"


class LogsCollect(ServerTest):
    def setUp(self):
        super().setUp()
        self.files = os.path.join(self.folder, "collected")
        self.deputy.settings.update({"DEPUTY_LOGS__SINKS": "search,files:" + self.files, "DEPUTY_LOGS__POLL_MAX": "1s", "DEPUTY_LOGS__DISCOVERY": "2s"})
        self.collector = None
        self.addCleanup(lambda: self.collector and self.collector.end(signal.SIGKILL))

    def define_integration(self, **more):
        return super().define_integration(logs={"regions": [REGION], "groups": ["/acme/*"]}, **more)

    def collect(self, key):
        self.collector = Process([BINARY, "logs", "collect"], self.deputy.environment(DEPUTY_URL=self.deputy.url, DEPUTY_KEY=key), self.deputy.folder)
        self.collector.wait_for("collecting logs of")

    def write(self, *messages):
        now = int(time.time() * 1000)
        self.sandbox.client("logs").put_log_events(logGroupName=GROUP, logStreamName="web-1", logEvents=[
            {"timestamp": now, "message": message} for message in messages])

    def records(self):
        found = []
        for name in sorted(glob.glob(os.path.join(self.files, "*.ndjson"))):
            with open(name) as file:
                found += [json.loads(line) for line in file if line.endswith("\n")]
        return found

    def wait_until(self, look, what, seconds=90):
        end = time.monotonic() + seconds
        while not look():
            self.assertLess(time.monotonic(), end, what + "\n" + (self.collector.output() if self.collector else "") + self.deputy.process.output())
            time.sleep(0.1)

    def wait_for_messages(self, wanted):
        self.wait_until(lambda: wanted <= {record["message"] for record in self.records()}, "messages are missing")

    def assert_once(self):
        identities = [record["event_id"] for record in self.records()]
        self.assertEqual(len(identities), len(set(identities)))

    def held(self):
        status = self.deputy.call("GET", "/v1/logs/status")
        return status.status == 200 and [each["held"] for each in status.body["connections"]] == [True]

    def test_a_process_of_its_own_collects_what_the_server_finds(self):
        connection = self.active_connection()
        key = self.workload_key(may=["session_policy", "region"])
        self.collect(key)
        self.write("one")
        self.wait_for_messages({"one"})
        self.collector.end(signal.SIGKILL)
        self.write("two")
        self.collect(key)
        self.wait_for_messages({"one", "two"})
        self.assert_once()
        self.assertEqual({record["connection_id"] for record in self.records()}, {connection["id"]})
        found = lambda: self.deputy.must("GET", f"/v1/logs/search?tenant_id={connection['tenant_id']}&q=two")["items"]
        self.wait_until(lambda: len(found()) == 1, "the server does not find it")
        issued = self.deputy.must("GET", f"/v1/connections/{connection['id']}/issuances")["items"]
        self.assertIn(("log-loader", "collecting logs"), {(issuance["workload"], issuance["reason"]) for issuance in issued})

        self.deputy.must("DELETE", f"/v1/connections/{connection['id']}")
        self.wait_until(lambda: not self.deputy.must("GET", "/v1/connections?state=active")["items"], "still active")
        self.assertEqual(self.collector.end(signal.SIGTERM), 0)

    def test_two_processes_never_collect_one_source_at_once(self):
        self.deputy.stop()
        self.deputy.settings["DEPUTY_LOGS__COLLECT"] = "true"
        self.deputy.start()
        self.active_connection()
        self.wait_until(self.held, "the server does not collect")
        self.collect(self.deputy.admin_key)  # an admin's key will do as well
        written = {"while the server collects"}
        self.write(*written)
        self.wait_for_messages(written)
        self.assertTrue(self.held())

        for round_number in range(2):
            # The server is killed; it begins again at once, and whichever of the two is first goes on.
            self.deputy.stop(signal.SIGKILL)
            messages = {f"round {round_number} message {number}" for number in range(50)}
            self.write(*messages)
            written |= messages
            self.deputy.start()
            self.collector.end(signal.SIGKILL)
            self.wait_until(self.held, "the server does not take over from the process that was killed")
            self.wait_for_messages(written)
            self.collect(self.deputy.admin_key)
            self.write(f"after round {round_number}")
            written.add(f"after round {round_number}")
            self.wait_for_messages(written)
        self.assert_once()

    def test_without_a_server_it_says_what_to_do(self):
        for settings, words in (({}, "DEPUTY_URL and DEPUTY_KEY"), ({"DEPUTY_URL": "http://127.0.0.1:1", "DEPUTY_KEY": "dpk_admin_x"}, "is DEPUTY_URL right?"),
                                ({"DEPUTY_URL": self.deputy.url, "DEPUTY_KEY": "dpk_admin_x"}, "401 unauthorized")):
            refused = Process([BINARY, "logs", "collect"], self.deputy.environment(**settings), self.deputy.folder)
            status = refused.process.wait(timeout=30)
            refused.end()
            self.assertNotEqual(status, 0)
            self.assertIn(words, refused.output())


if __name__ == "__main__":
    unittest.main()
