"""The listeners of the real process: the Unix socket, TLS, what a flood does to issuing, and how it all ends."""

import http.client
import json
import os
import random
import re
import resource
import signal
import socket
import ssl
import stat
import subprocess
import threading
import time
import unittest

from harness import BINARY, Process, ServerTest, make_pair


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=30)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(30)
        self.sock.connect(self.path)


class ListenerTest(ServerTest):
    settings = {}

    def setUp(self):
        super().setUp()
        self.restart(**self.settings)

    def restart(self, **settings):
        self.deputy.stop()
        self.deputy.settings.update(settings)
        self.deputy.start()

    def open(self):
        """A plain socket to the address, or through TLS."""
        port = int(self.deputy.url.rsplit(":", 1)[1])
        made = socket.create_connection(("127.0.0.1", port), timeout=30)
        return self.deputy.trust.wrap_socket(made, server_hostname="localhost") if self.deputy.trust else made


class UnixSocket(ListenerTest):
    def setUp(self):
        super().setUp()
        self.path = os.path.join(self.folder, "deputy.sock")
        self.restart(DEPUTY_SERVER__UNIX_SOCKET=self.path, DEPUTY_SERVER__UNIX_SOCKET_USERS=f"{os.getuid()}=log-loader")

    def ask(self, method, path, body=None, key=None):
        connection = UnixConnection(self.path)
        self.addCleanup(connection.close)
        headers = {"Authorization": "Bearer " + key} if key else {}
        if body is not None:
            headers["Content-Type"] = "application/json"
        connection.request(method, path, body=None if body is None else json.dumps(body), headers=headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"null")

    def test_a_workload_is_known_by_its_user(self):
        connection = self.active_connection()
        self.workload_key()
        credentials = f"/v1/connections/{connection['id']}/credentials"
        status, issued = self.ask("POST", credentials, {})
        self.assertEqual(status, 200, issued)
        got = self.sandbox.client("s3", credentials=(issued["access_key_id"], issued["secret_access_key"], issued["session_token"]))
        self.assertIn("acme-invoices", [bucket["Name"] for bucket in got.list_buckets()["Buckets"]])
        status, container = self.ask("GET", f"/v1/credentials/{connection['id']}")
        self.assertEqual((status, container["AccessKeyId"]), (200, issued["access_key_id"]))
        self.assertEqual([item["id"] for item in self.ask("GET", "/v1/connections")[1]["items"]], [connection["id"]])
        entries = self.deputy.must("GET", "/v1/journal?limit=200")["items"]
        actors = [entry["actor"] for entry in entries if entry["act"] == "credentials.issued"]
        self.assertEqual(actors[-1], {"kind": "user", "id": str(os.getuid()), "address": "unix"})

    def test_the_user_does_what_its_workload_may_and_no_more(self):
        connection = self.active_connection()
        self.workload_key()
        for method, path in (("GET", "/v1/tenants"), ("GET", "/v1/journal"), ("DELETE", f"/v1/connections/{connection['id']}")):
            self.assertEqual(self.ask(method, path)[1]["code"], "forbidden")
        self.assertEqual(self.ask("POST", "/v1/keys", {"connection_id": connection["id"]})[1]["code"], "forbidden")
        self.deputy.must("PUT", "/v1/workloads/log-loader", {"grants": []})
        self.assertEqual(self.ask("POST", f"/v1/connections/{connection['id']}/credentials", {})[0], 404)

    def test_a_key_counts_before_the_user_and_tcp_knows_no_user(self):
        connection = self.active_connection()
        self.workload_key()
        self.assertEqual(self.ask("GET", "/v1/tenants", key=self.deputy.admin_key)[0], 200)
        self.assertEqual(self.ask("GET", f"/v1/credentials/{connection['id']}", key="dpk_workload_wrong")[0], 401)
        refused = self.deputy.call("GET", f"/v1/credentials/{connection['id']}", headers={"Authorization": ""})
        self.assertEqual(refused.status, 401)

    def test_a_user_that_stands_for_no_workload_needs_a_key(self):
        self.restart(DEPUTY_SERVER__UNIX_SOCKET_USERS=f"{os.getuid() + 1}=log-loader")
        self.assertEqual(self.ask("GET", "/v1/connections")[0], 401)

    def test_the_commands_use_it_without_a_key(self):
        connection = self.active_connection()
        self.workload_key()
        environment = {**self.deputy.environment(), "DEPUTY_URL": "unix:" + self.path}
        done = subprocess.run([BINARY, "credentials", connection["id"], "--no-cache"], env=environment, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(json.loads(done.stdout)["SessionToken"])

    def test_the_file_is_narrow_is_gone_after_a_stop_and_taken_over_after_a_kill(self):
        self.assertEqual(stat.S_IMODE(os.stat(self.path).st_mode), 0o660)
        self.deputy.stop(signal.SIGKILL)
        self.assertTrue(os.path.exists(self.path))
        self.deputy.start()
        self.assertEqual(self.ask("GET", "/healthz")[0], 200)
        self.assertEqual(self.deputy.stop(), 0)
        self.assertFalse(os.path.exists(self.path))
        self.deputy.start()

    def test_another_process_that_answers_there_is_left_alone(self):
        self.deputy.stop()
        other = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.addCleanup(other.close)
        other.bind(self.path)
        other.listen()
        refused = Process([BINARY, "serve"], self.deputy.environment(**self.sandbox.partner_session()), self.deputy.folder)
        refused.wait_for("another process answers there")
        self.assertEqual(refused.process.wait(timeout=30), 1)
        refused.end()
        os.unlink(self.path)
        self.deputy.start()


class Tls(ListenerTest):
    def setUp(self):
        super().setUp()
        self.deputy.stop()
        self.certificate = self.deputy.use_tls()
        self.deputy.start()

    def serial(self):
        with self.open() as connection:
            return connection.getpeercert()["serialNumber"]

    def test_curl_and_the_commands_trust_the_file(self):
        got = subprocess.run(["curl", "-sS", "--cacert", self.certificate, self.deputy.url + "/healthz"], capture_output=True, text=True)
        self.assertEqual(got.stdout, '{"status":"ok"}', got.stderr)
        self.assertNotEqual(subprocess.run(["curl", "-sS", self.deputy.url + "/healthz"], capture_output=True).returncode, 0)
        self.deputy.settings["DEPUTY_CA_FILE"] = self.certificate
        self.assertEqual(self.deputy.command("tenant", "list").returncode, 0)
        del self.deputy.settings["DEPUTY_CA_FILE"]
        self.assertEqual(self.deputy.command("tenant", "list").returncode, 3)

    def test_the_log_says_tls_and_does_not_warn(self):
        self.restart(DEPUTY_SERVER__LISTEN="127.0.0.1:0")
        self.assertIn(", TLS", self.deputy.process.output())
        self.assertNotIn("can be read on the way", self.deputy.process.output())

    def test_a_hang_up_signal_reads_the_certificate_again_and_a_bad_one_is_not_taken(self):
        before = self.serial()
        with self.open() as kept:
            with open(os.path.join(self.deputy.folder, "tls.key"), "w") as key:
                key.write("nonsense")
            self.deputy.process.process.send_signal(signal.SIGHUP)
            self.deputy.process.wait_for("the certificate in use stays: .*tls.key")
            self.assertEqual(self.serial(), before)
            make_pair(self.deputy.folder)
            self.deputy.trust = ssl.create_default_context(cafile=self.certificate)
            self.deputy.process.process.send_signal(signal.SIGHUP)
            self.deputy.process.wait_for("new connections use the certificate as it is now")
            self.assertNotEqual(self.serial(), before)
            kept.sendall(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")
            self.assertIn(b"200 OK", kept.recv(4096))

    def test_config_check_names_what_is_wrong_with_the_pair(self):
        def check(**settings):
            environment = {**self.deputy.environment(**self.sandbox.partner_session()), **settings}
            done = subprocess.run([BINARY, "config", "check"], env=environment, cwd=self.deputy.folder, capture_output=True, text=True, timeout=60)
            return done.returncode, done.stdout
        self.assertEqual(check()[0], 0, check()[1])
        key = os.path.join(self.deputy.folder, "tls.key")
        os.chmod(key, 0o644)
        self.assertRegex(check()[1], "tls.key` can be read or written by everybody")
        os.chmod(key, 0o600)
        self.assertRegex(check(DEPUTY_SERVER__TLS_KEY_FILE="/missing")[1], "`/missing` cannot be read: No such file")
        other = os.path.join(self.folder, "other")
        os.mkdir(other)
        make_pair(other)
        status, text = check(DEPUTY_SERVER__TLS_KEY_FILE=os.path.join(other, "tls.key"))
        self.assertEqual(status, 1)
        self.assertRegex(text, "is not the key of the certificate")

    def test_a_graceful_stop_finishes_what_is_in_flight(self):
        connection = self.active_connection()
        self.deputy.must("POST", f"/v1/connections/{connection['id']}/credentials", {})
        self.sandbox.misbehave({"kind": "late", "service": "sts", "delay_ms": 1500})
        answers = []
        asking = threading.Thread(target=lambda: answers.append(self.deputy.call(
            "POST", f"/v1/connections/{connection['id']}/credentials", {"session_name": "another"})))
        with self.open() as idle:
            asking.start()
            while "deputy_http_requests_in_flight{lane=\"issuing\"} 1" not in self.deputy.call("GET", "/metrics").text:
                time.sleep(0.01)
            self.assertEqual(self.deputy.stop(), 0)
            asking.join(timeout=30)
            self.assertEqual(answers[0].status, 200, answers[0])
            self.assertEqual(idle.recv(10), b"")
        self.deputy.start()


class Threats(ListenerTest):
    """THREATS: class 36, over every listener."""

    SMUGGLING = (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /s HTTP/1.1\r\n\r\n",
                 b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
                 b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
                 b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
                 b"GET / HTTP/1.1\nHost: h\n\nGET /s HTTP/1.1\n\n",
                 b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
                 b"GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n")

    def refuse_all(self, connect):
        for bytes_sent in self.SMUGGLING:
            with connect() as connection:
                connection.sendall(bytes_sent)
                answer = b""
                while part := connection.recv(65536):
                    answer += part
                self.assertRegex(answer, rb"^HTTP/1.1 (400|501) ", bytes_sent)
                self.assertEqual(answer.count(b"HTTP/1.1 "), 1, bytes_sent)

    def test_smuggling_is_refused_over_tcp_tls_and_the_unix_socket(self):
        path = os.path.join(self.folder, "deputy.sock")
        self.restart(DEPUTY_SERVER__UNIX_SOCKET=path)

        def by_unix():
            made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            made.settimeout(30)
            made.connect(path)
            return made
        self.refuse_all(by_unix)
        self.refuse_all(self.open)
        self.deputy.stop()
        self.deputy.use_tls()
        self.deputy.start()
        self.refuse_all(self.open)

    def test_ten_thousand_connections_are_held_while_issuing_goes_on(self):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, before)
        count = min(10_000, hard - 1_000)
        self.restart()
        connection = self.active_connection()
        credentials = f"/v1/connections/{connection['id']}/credentials"
        ask = b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n"
        held = []
        self.addCleanup(lambda: [one.close() for one in held])
        for _ in range(count):
            held.append(self.open())
            held[-1].sendall(ask)
            self.assertTrue(held[-1].recv(4096).startswith(b"HTTP/1.1 200 "), len(held))
        for _ in range(20):
            self.deputy.must("POST", credentials, {})
        open_now = int(re.search(r"deputy_http_connections (\d+)", self.deputy.call("GET", "/metrics").text).group(1))
        self.assertGreaterEqual(open_now, count)
        for one in held[::97]:
            one.sendall(ask)
            self.assertTrue(one.recv(4096).startswith(b"HTTP/1.1 200 "))
        self.assertEqual(self.deputy.stop(), 0)
        self.assertEqual(held[0].recv(10), b"")
        self.deputy.start()

    def test_issuing_goes_on_in_a_flood_of_other_requests(self):
        connection = self.active_connection()
        key = self.workload_key()
        self.deputy.must("GET", f"/v1/credentials/{connection['id']}", key=key)
        ask = f"GET /v1/connections?limit=200 HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {self.deputy.admin_key}\r\n\r\n".encode()
        flood = [self.open() for _ in range(400)]
        self.addCleanup(lambda: [one.close() for one in flood])
        for one in flood:
            one.sendall(ask)
        for _ in range(20):
            self.deputy.must("GET", f"/v1/credentials/{connection['id']}", key=key)
        statuses = {one.recv(65536)[9:12] for one in flood}
        self.assertLessEqual(statuses, {b"200", b"429", b"503"})
        text = self.deputy.call("GET", "/metrics").text
        self.assertRegex(text, r'deputy_http_requests_refused_total\{lane="issuing",why="full"\} 0')
        self.assertRegex(text, r'deputy_http_requests_refused_total\{lane="desk",why="client"\} [1-9]')

    def test_issuing_goes_on_in_a_flood_of_keys_that_were_made_up(self):
        connection = self.active_connection()
        key = self.workload_key()
        path = f"/v1/credentials/{connection['id']}"
        self.deputy.must("GET", path, key=key)
        flood = [self.open() for _ in range(800)]
        self.addCleanup(lambda: [one.close() for one in flood])
        alphabet = "abcdefghijklmnopqrstuvwxyz234567"
        for one in flood:
            made_up = "dpk_workload_" + "".join(random.choices(alphabet, k=52))
            one.sendall(f"GET {path} HTTP/1.1\r\nHost: h\r\nAuthorization: {made_up}\r\n\r\n".encode())
        for _ in range(20):
            self.deputy.must("GET", path, key=key)
        statuses = {one.recv(65536)[9:12] for one in flood}
        self.assertLessEqual(statuses, {b"401", b"429"})
        self.assertIn(b"401", statuses)
        fresh = self.workload_key()  # the next who is not in memory is found as before
        self.deputy.must("GET", path, key=fresh)

    def test_too_many_connections_are_bounded_and_idle_ones_give_way(self):
        self.restart(DEPUTY_SERVER__CONNECTIONS_MAX="20")
        held = [self.open() for _ in range(20)]
        self.addCleanup(lambda: [one.close() for one in held])
        time.sleep(1.2)  # longer than idle ones are protected
        self.assertEqual(self.deputy.call("GET", "/healthz").status, 200)
        self.assertRegex(self.deputy.call("GET", "/metrics").text, r'deputy_http_connections_ended_total\{why="made_room"\} [1-9]')


if __name__ == "__main__":
    unittest.main()
