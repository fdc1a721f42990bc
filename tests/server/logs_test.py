"""Collecting CloudWatch Logs: late events, short pages, refused tokens and kill -9 lose nothing and give nothing twice; a suspended connection is not read."""

import glob
import json
import os
import re
import signal
import socket
import threading
import time
import unittest
import urllib.parse

from harness import REGION, ServerTest


class Relay:
    """Hands bytes on to the sandbox; `services` are those that were asked over each connection."""

    def __init__(self, url):
        there = urllib.parse.urlsplit(url)
        self.there = (there.hostname, there.port)
        self.services = []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                line = self.listener.accept()[0]
            except OSError:
                return
            asked = set()
            self.services.append(asked)
            further = socket.create_connection(self.there)
            threading.Thread(target=self.hand_on, args=(line, further, asked), daemon=True).start()
            threading.Thread(target=self.hand_on, args=(further, line, None), daemon=True).start()

    def hand_on(self, source, target, asked):
        said = b""
        try:
            while part := source.recv(65536):
                if asked is not None:
                    said = said[-500:] + part
                    asked.update(service.decode() for service in re.findall(rb"/([a-z0-9]+)/aws4_request", said))
                target.sendall(part)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # ended before
        source.close()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


class Logs(ServerTest):
    def setUp(self):
        super().setUp()
        self.files = os.path.join(self.folder, "collected")
        self.deputy.stop()
        self.deputy.settings.update({
            "DEPUTY_LOGS__COLLECT": "true", "DEPUTY_LOGS__SINKS": "files:" + self.files, "DEPUTY_LOGS__POLL_MAX": "1s", "DEPUTY_LOGS__DISCOVERY": "2s"})
        self.deputy.start()

    def collecting_connection(self):
        self.define_integration(logs={"regions": [REGION], "groups": ["/acme/*"]})
        tenant = self.deputy.must("POST", "/v1/tenants", {"name": "Acme"})
        connection = self.deputy.must("POST", "/v1/connections", {"tenant_id": tenant["id"], "integration": "log-reader"})
        self.give_role(connection, self.launch(connection))
        self.wait_for_state(connection, "active")
        return connection

    def write(self, *messages, age=0.0):
        logs = self.sandbox.client("logs")
        logs.put_log_events(logGroupName="/acme/webshop", logStreamName="web-1", logEvents=[
            {"timestamp": int((time.time() - age) * 1000), "message": message} for message in messages])

    def records(self):
        found = []
        for name in sorted(glob.glob(os.path.join(self.files, "*.ndjson"))):
            with open(name) as file:
                found += [json.loads(line) for line in file if line.endswith("\n")]
        return found

    def wait_for_messages(self, wanted, seconds=60):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if wanted <= {record["message"] for record in self.records()}:
                return self.records()
            time.sleep(0.2)
        self.fail(f"missing: {sorted(wanted - {record['message'] for record in self.records()})}\n{self.deputy.call('GET', '/v1/logs/sources')}")

    def test_nothing_is_lost_and_nothing_comes_twice_over_kills(self):
        connection = self.collecting_connection()
        self.sandbox.misbehave({"kind": "short_page", "probability": 0.5}, {"kind": "refuse_token", "probability": 0.1},
                               {"kind": "throttle", "service": "logs", "operation": "FilterLogEvents", "per_second": 2})
        written = set()
        for round_number in range(4):
            messages = [f"round {round_number} message {number}" for number in range(50)]
            self.write(*messages)
            written.update(messages)
            self.deputy.stop(signal.SIGKILL)
            self.deputy.start()
        self.sandbox.misbehave()
        records = self.wait_for_messages(written)
        identities = [record["event_id"] for record in records]
        self.assertEqual(len(identities), len(set(identities)))
        self.assertEqual({record["tenant_id"] for record in records}, {connection["tenant_id"]})
        self.assertEqual({record["connection_id"] for record in records}, {connection["id"]})
        self.assertEqual({record["group"] for record in records}, {"/acme/webshop"})

    def test_calls_for_logs_take_no_connection_from_issuing(self):
        self.deputy.stop()
        relay = Relay(self.sandbox.url)
        self.addCleanup(relay.close)
        self.deputy.settings.update(AWS_ENDPOINT_URL_STS=relay.url, AWS_ENDPOINT_URL_IAM=relay.url, AWS_ENDPOINT_URL_CLOUDWATCH_LOGS=relay.url)
        self.deputy.start()
        connection = self.collecting_connection()
        self.write("one")
        self.wait_for_messages({"one"})
        self.deputy.must("POST", f"/v1/connections/{connection['id']}/credentials", {"session_name": "job"}, self.workload_key(may=["session_name"]))
        asked = [services for services in list(relay.services) if services]
        self.assertLessEqual({"sts", "logs"}, set().union(*asked))
        for services in asked:
            self.assertTrue("logs" not in services or services == {"logs"}, asked)

    def test_how_it_stands_is_shown(self):
        connection = self.collecting_connection()
        self.write("one")
        self.wait_for_messages({"one"})
        sources = self.deputy.must("GET", f"/v1/logs/sources?connection_id={connection['id']}")["items"]
        self.assertEqual([source["status"] for source in sources], ["active"])
        self.assertGreaterEqual(sources[0]["events"], 1)
        status = self.deputy.must("GET", "/v1/logs/status")
        self.assertEqual(status["sources"], {"active": 1})
        self.assertEqual([each["connection_id"] for each in status["connections"]], [connection["id"]])
        self.assertIn("1 log groups", self.deputy.command("logs", "status").stdout)
        issued = self.deputy.must("GET", f"/v1/connections/{connection['id']}/issuances")["items"]
        self.assertIn("logs", {issuance["workload"] for issuance in issued})
        self.assertIn(connection["id"] + "@logs", {issuance["session_name"] for issuance in issued})

    def test_a_disconnected_connection_is_read_no_more(self):
        connection = self.collecting_connection()
        self.write("before")
        self.wait_for_messages({"before"})
        self.deputy.must("DELETE", f"/v1/connections/{connection['id']}")
        self.write("after")
        self.assertEqual(self.deputy.must("GET", "/v1/logs/sources")["items"], [])
        # Another customer's log is collected meanwhile, poll after poll: the first one's would have been as well.
        other = self.other_connection()
        logs = self.sandbox.client("logs", "333333333333")
        for number in range(3):
            message = f"of the other {number}"
            logs.put_log_events(logGroupName="/acme/other", logStreamName="s", logEvents=[{"timestamp": int(time.time() * 1000), "message": message}])
            self.wait_for_messages({message})
        self.assertNotIn("after", {record["message"] for record in self.records()})
        self.assertEqual({source["connection_id"] for source in self.deputy.must("GET", "/v1/logs/sources")["items"]}, {other["id"]})

    def other_connection(self):
        logs = self.sandbox.client("logs", "333333333333")
        logs.create_log_group(logGroupName="/acme/other")
        logs.create_log_stream(logGroupName="/acme/other", logStreamName="s")
        tenant = self.deputy.must("POST", "/v1/tenants", {"name": "Globex"})
        connection = self.deputy.must("POST", "/v1/connections", {"tenant_id": tenant["id"], "integration": "log-reader"})
        self.give_role(connection, self.launch(connection, "333333333333"))
        self.wait_for_state(connection, "active")
        return connection

    def test_late_events_are_found_by_reading_again(self):
        """Late by a minute and a half here; by up to 26 hours in tests/logs_simulation, where time can be made to pass."""
        connection = self.collecting_connection()
        self.write("in time")
        self.wait_for_messages({"in time"})
        # Its time has long been read when it is written: its writer was cut off.
        self.write("written late", age=90)
        # It can be read only seconds after it was written: AWS takes its time, and what comes after is there before.
        self.sandbox.misbehave({"kind": "visibility", "delay_ms": 3000, "service": "logs"})
        shown_late = {f"shown late {number}" for number in range(10)}
        self.write(*shown_late)
        self.sandbox.misbehave()
        self.write("shown at once")
        self.wait_for_messages({"shown at once"})
        self.wait_for_messages({"written late"} | shown_late)
        identities = [record["event_id"] for record in self.records()]
        self.assertEqual(len(identities), len(set(identities)))
        source = self.deputy.must("GET", f"/v1/logs/sources?connection_id={connection['id']}")["items"][0]
        self.assertEqual(source["events"], len(identities))
        end = time.time()
        self.wait_until(lambda: self.deputy.must("GET", "/v1/logs/sources")["items"][0]["collected_until"] > self.time(end))
        audit = self.deputy.must("GET", f"/v1/logs/audit?connection_id={connection['id']}&region={REGION}&log_group=/acme/webshop"
                                 f"&from={self.time(end - 300)}&to={self.time(end)}")
        self.assertEqual((audit["found"], audit["collected"], audit["missing"]), (13, 13, []))

    def time(self, seconds):
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))

    def wait_until(self, look, seconds=60):
        end = time.monotonic() + seconds
        while not look():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.1)


if __name__ == "__main__":
    unittest.main()
