"""Issuing when STS lies or is gone, when descriptors run out, and when callers err: a clear answer, a count, and never a wrong credential."""

import http.client
import http.server
import json
import resource
import socket
import threading
import unittest
import urllib.parse

import botocore.exceptions

from harness import REGION, ServerTest


class Between:
    """Stands between Deputy and the sandbox and hands everything on; `change(request body, status, answer)` may lie."""

    def __init__(self, url):
        address = urllib.parse.urlsplit(url)
        self.change = None
        self.open = []
        between = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                super().setup()
                between.open.append(self.connection)

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                further = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
                further.request("POST", self.path, body, dict(self.headers.items()))
                answer = further.getresponse()
                status, text = answer.status, answer.read()
                further.close()
                if between.change:
                    status, text = between.change(body, status, text)
                self.send_response(status)
                self.send_header("Content-Type", "text/xml")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        for connection in self.open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # ended before


class Behind:
    """The sandbox as Deputy sees it: somebody between."""

    def __init__(self, sandbox, url):
        self.sandbox, self.url = sandbox, url

    def partner_session(self):
        return self.sandbox.partner_session()


class IssuingFaults(ServerTest):
    def setUp(self):
        super().setUp()
        self.connection = self.active_connection()
        self.key = self.workload_key(may=["session_name"])
        self.container = f"/v1/credentials/{self.connection['id']}"
        self.asked = 0

    def ask_anew(self):
        """Asks for a session that is not in the cache."""
        self.asked += 1
        return self.deputy.call("POST", f"/v1/connections/{self.connection['id']}/credentials", {"session_name": f"job-{self.asked}"}, self.key)

    def metric(self, name):
        for line in self.deputy.call("GET", "/metrics").text.splitlines():
            if line.startswith(name + " "):
                return float(line.rsplit(" ", 1)[1])
        return 0.0

    def handed_out(self):
        return self.deputy.must("GET", f"/v1/connections/{self.connection['id']}/issuances?limit=200")["items"]


class LyingSts(IssuingFaults):
    def setUp(self):
        super().setUp()
        self.deputy.stop()
        self.between = Between(self.sandbox.url)
        self.addCleanup(lambda: self.between and self.between.close())
        self.deputy.sandbox = Behind(self.sandbox, self.between.url)
        self.deputy.settings["DEPUTY_CREDENTIALS__STS_RATE"] = "1000"
        self.deputy.start()

    def refused_for(self, lie, code="upstream_unavailable"):
        self.between.change = lambda asked, status, text: lie(status, text) if b"Action=AssumeRole&" in asked else (status, text)
        answer = self.ask_anew()
        self.between.change = None
        self.assertEqual((answer.status, answer.body["code"]), (503, code), answer)
        self.assertTrue(int(answer.headers["Retry-After"]) > 0)
        for secret in ("ASIA", "sandbox/", "arn:aws"):
            self.assertNotIn(secret, answer.text)

    def test_nothing_that_it_says_wrongly_is_handed_out(self):
        def swap(old, new):
            def lie(status, text):
                changed = text.replace(old, new)
                assert changed != text, (old, text)
                return status, changed
            return lie

        def element(name, value):
            def lie(status, text):
                begin, end = text.index(f"<{name}>".encode()), text.index(f"</{name}>".encode())
                return status, text[:begin] + f"<{name}>{value}".encode() + text[end:]
            return lie

        lies = {
            "another account": swap(b":222222222222:", b":333333333333:"),
            "another role": swap(b"assumed-role/", b"assumed-role/x"),
            "another session": swap(b".job-", b".jab-"),
            "expired": element("Expiration", "2001-01-01T00:00:00Z"),
            "for ever": element("Expiration", "2999-01-01T00:00:00Z"),
            "no time": element("Expiration", "soon"),
            "no key": element("AccessKeyId", ""),
            "a key of strange characters": element("AccessKeyId", "ASIA&quot;,&quot;x&quot;:&quot;"),
            "no secret": element("SecretAccessKey", ""),
            "no token": element("SessionToken", ""),
            "a token as long as a book": element("SessionToken", "t" * 100_000),
            "half": lambda status, text: (status, text[:len(text) // 2]),
            "nothing": lambda status, text: (200, b""),
            "a page of a proxy": lambda status, text: (200, b"<html><body>Sign in to the network</body></html>"),
            "a denial that is not STS's": lambda status, text: (403, b"<html>blocked by policy</html>"),
            "moved": lambda status, text: (302, b""),
        }
        before = len(self.handed_out())
        for name, lie in lies.items():
            with self.subTest(name):
                self.refused_for(lie)
        self.assertEqual(len(self.handed_out()), before)
        self.assertGreaterEqual(sum(self.metric(f'deputy_sts_errors_total{{code="{code}"}}') for code in ("MalformedResponse", "UnusableCredentials", "OtherRole")), 10)
        self.assertEqual(self.metric('deputy_credentials_refused_total{code="upstream_unavailable"}'), len(lies))
        got = self.ask_anew()
        self.assertEqual((got.status, got.body["account_id"]), (200, "222222222222"))
        self.assertEqual(len(self.handed_out()), before + 1)

    def test_gone_what_is_cached_serves_and_the_rest_is_told_when_to_come_back(self):
        cached = self.deputy.must("GET", self.container, key=self.key)
        self.between.close()
        self.between = None
        answer = self.ask_anew()
        self.assertEqual((answer.status, answer.body["code"]), (503, "upstream_unavailable"))
        self.assertTrue(answer.headers["Retry-After"])
        self.assertEqual(self.deputy.must("GET", self.container, key=self.key)["AccessKeyId"], cached["AccessKeyId"])
        self.assertGreater(self.metric('deputy_sts_errors_total{code="ConnectionFailed"}'), 0)


class Descriptors(IssuingFaults):
    def test_out_of_them_open_connections_are_served_and_later_all_are(self):
        pid = self.deputy.process.process.pid
        port = int(self.deputy.url.rsplit(":", 1)[1])
        kept = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.addCleanup(kept.close)

        def ask_on_kept(method, path, body=None):
            headers = {"Authorization": "Bearer " + self.key, **({"Content-Type": "application/json"} if body else {})}
            kept.request(method, path, body, headers)
            answer = kept.getresponse()
            return answer.status, json.loads(answer.read())

        first = ask_on_kept("GET", self.container)[1]["AccessKeyId"]
        before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (4, before[1]))
        late = socket.create_connection(("127.0.0.1", port), timeout=30)  # by the kernel: Deputy cannot take it
        self.addCleanup(late.close)
        late.sendall(b"GET /healthz HTTP/1.1\r\nHost: deputy\r\n\r\n")
        self.assertEqual(ask_on_kept("GET", self.container), (200, {**ask_on_kept("GET", self.container)[1], "AccessKeyId": first}))
        # A call to STS may find a connection that is still open, or not.
        status, body = ask_on_kept("POST", f"/v1/connections/{self.connection['id']}/credentials", json.dumps({"session_name": "job"}))
        self.assertIn((status, body.get("code")), ((200, None), (503, "upstream_unavailable")))
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
        self.assertIn(b"200 OK", late.recv(100))
        self.assertGreater(self.metric("deputy_http_accept_failures_total"), 0)
        self.assertEqual(self.ask_anew().status, 200)


class Callers(IssuingFaults):
    def exchange(self, request):
        port = int(self.deputy.url.rsplit(":", 1)[1])
        with socket.create_connection(("127.0.0.1", port), timeout=30) as line:
            line.sendall(request)
            answer = b""
            while more := line.recv(65536):
                answer += more
        header, body = answer.split(b"\r\n\r\n", 1)
        return int(header.split(b" ", 2)[1]), json.loads(body)

    def test_what_the_listener_refuses_reads_as_an_answer_of_the_container_endpoint(self):
        path = self.container.encode()
        for request, status, code in (
                (b"GET " + path + b" HTTP/1.1\r\nHost: d\r\nAuthorization: " + b"x" * 20_000 + b"\r\n\r\n", 431, "payload_too_large"),
                (b"GET " + path + b" HTTP/1.1\r\nHost: d\r\nHost: e\r\n\r\n", 400, "invalid_request"),
                (b"GET " + path + b" HTTP/3.0\r\nHost: d\r\n\r\n", 505, "invalid_request"),
                (b"GET " + path + b" HTTP/1.1\r\nHost: d\r\nContent-Length: 99999999\r\n\r\n", 413, "payload_too_large")):
            got, body = self.exchange(request)
            self.assertEqual((got, body["code"]), (status, code))
            self.assertTrue(body["message"])
            self.assertEqual(body["message"], body["detail"])

    def test_a_wrong_path_below_the_container_endpoint_is_answered_in_its_form(self):
        for path in ("/v1/credentials", "/v1/credentials/", self.container + "/", self.container + "/more"):
            answer = self.deputy.call("GET", path, key=self.key)
            self.assertEqual((answer.status, answer.body["code"], set(answer.body)), (404, "not_found", {"code", "message"}), path)

    def test_a_key_in_a_url_is_refused_is_told_to_be_revoked_and_stays_out_of_the_log(self):
        for query in (f"?token={self.key}", f"?{self.key}", f"?access_token=x&key={self.key}"):
            answer = self.deputy.call("GET", self.container + query, key=self.key)
            self.assertEqual((answer.status, answer.body["code"]), (400, "invalid_request"))
            self.assertIn("revoke", answer.body["message"])
        self.assertEqual(self.deputy.call("GET", "/v1/credentials/" + self.key, key=self.key).status, 404)
        self.assertEqual(self.metric(f'deputy_http_requests_total{{method="GET",route="/v1/credentials/{{connection}}",status="400"}}'), 3)
        journal = self.deputy.command("journal", "list").stdout
        self.deputy.stop()
        self.assertNotIn(self.key, self.deputy.logs)
        self.assertNotIn(self.key, journal)

    def test_case_and_escapes_make_no_other_connection(self):
        identifier = self.connection["id"]
        for other in (identifier.upper(), identifier.capitalize(), identifier + "%20", identifier + "%00", identifier + "%2e", identifier + ";x"):
            self.assertIn(self.deputy.call("GET", "/v1/credentials/" + other, key=self.key).status, (400, 404), other)
        escaped = "".join(f"%{ord(character):02x}" for character in identifier)
        self.assertEqual(self.deputy.call("GET", "/v1/credentials/" + escaped, key=self.key).status, 200)

    def test_a_session_policy_narrows_and_never_widens(self):
        self.workload_key(may=["session_policy"])

        def session(*statements):
            policy = {"Version": "2012-10-17", "Statement": list(statements)}
            got = self.deputy.must("POST", f"/v1/connections/{self.connection['id']}/credentials", {"session_policy": policy}, self.key)
            return self.sandbox.client("s3", credentials=(got["access_key_id"], got["secret_access_key"], got["session_token"]))

        everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        wide = session(everything)
        self.assertEqual(len(wide.list_buckets()["Buckets"]), 2)
        with self.assertRaises(botocore.exceptions.ClientError) as refused:
            wide.create_bucket(Bucket="taken-over", CreateBucketConfiguration={"LocationConstraint": REGION})
        self.assertEqual(refused.exception.response["Error"]["Code"], "AccessDenied")
        with self.assertRaises(botocore.exceptions.ClientError):
            session(everything, {"Effect": "Deny", "Action": "s3:ListAllMyBuckets", "Resource": "*"}).list_buckets()
        self.assertEqual(len(wide.list_buckets()["Buckets"]), 2)  # the other's policy is the other's
        path = f"/v1/connections/{self.connection['id']}/credentials"
        for policy in ('{"Version":"2012-10-17","Statement":[],"Statement":[]}', {"Statement": [{"Effect": "Allow", "NotAnElement": 1}]}, "", [], 7,
                       {"Version": "2012-10-17", "Statement": [{**everything, "Principal": "*"}]}, {"Version": "2012-10-17", "Statement": [everything] * 60}):
            self.assertEqual(self.deputy.call("POST", path, {"session_policy": policy}, self.key).status, 400, policy)

    def test_two_keys_in_one_request_are_none(self):
        request = b"GET " + self.container.encode() + b" HTTP/1.1\r\nHost: d\r\nConnection: close\r\n"
        good, bad = b"Authorization: Bearer " + self.key.encode() + b"\r\n", b"Authorization: Bearer dpk_workload_x\r\n"
        self.assertEqual(self.exchange(request + good + b"\r\n")[0], 200)
        for fields in (good + good, good + bad, bad + good, good + b"authorization: " + self.key.encode() + b"\r\n"):
            self.assertEqual(self.exchange(request + fields + b"\r\n")[0], 401)
        for value in (self.key + "," + self.key, "Bearer Bearer " + self.key, "Basic " + self.key, self.key + "\tx"):
            self.assertEqual(self.exchange(request + b"Authorization: " + value.encode() + b"\r\n\r\n")[0], 401, value)


if __name__ == "__main__":
    unittest.main()
