"""The connect page from outside, without a browser: the whole story over a real server and the sandbox, by forms alone."""

import base64
import http.client
import json
import re
import subprocess
import time
import unittest
import urllib.parse

from harness import BINARY, ServerTest, trust


class Page:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body
        self.location = headers.get("Location")

    @property
    def hidden(self):
        """What the forms of the connection that is shown carry unseen."""
        return {name: re.search(rf'name="{name}" value="({value})"', self.body).group(1)
                for name, value in (("csrf", "[0-9a-f]{64}"), ("connection", "con_[a-z2-7]+"))}


class Browser:
    def __init__(self, url):
        self.address = urllib.parse.urlsplit(url).netloc
        self.cookies = {}

    def request(self, method, path, form=None):
        connection = http.client.HTTPConnection(self.address, timeout=30)
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())} if self.cookies else {}
        body = None
        if form is not None:
            body = urllib.parse.urlencode(form)
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": "null", "Sec-Fetch-Site": "same-origin"}
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        page = Page(answer.status, answer.headers, answer.read().decode())
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            name, value = cookie.split(";")[0].split("=", 1)
            self.cookies[name] = value
        connection.close()
        return page

    def get(self, path):
        return self.request("GET", path)

    def follow(self, path):
        page = self.get(path)
        while page.status == 303:
            path, page = page.location, self.get(page.location)
        return path, page


class ConnectPage(ServerTest):
    def open_session(self, **more):
        self.define_integration()
        tenant = self.deputy.must("POST", "/v1/tenants", {"name": "Acme & Sons"})
        session = self.deputy.must("POST", "/v1/connect-sessions", {"tenant_id": tenant["id"], "integration": "log-reader", **more})
        browser = Browser(self.deputy.url)
        path, page = browser.follow(urllib.parse.urlsplit(session["url"]).path)
        self.assertEqual(page.status, 200)
        return session, browser, path

    def wait_for_checks(self, browser, base, seconds=30):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            page = browser.get(base + "/checks")
            if "data-running" not in page.body:
                return page
            time.sleep(0.05)
        raise AssertionError("still running:\n" + page.body)

    def test_from_the_link_to_a_signed_report_and_the_end(self):
        session, browser, path = self.open_session()
        base = "/connect/" + session["id"]
        self.assertEqual(path, base + "/ask")
        connection = self.deputy.must("GET", f"/v1/connections/{session['connection_id']}")
        create = browser.get(base + "/create")
        self.assertIn(connection["external_id"], create.body)
        role_arn = self.launch(connection)
        given = browser.request("POST", base + "/role", browser.get(base + "/role").hidden | {"role_arn": role_arn})
        self.assertEqual((given.status, given.location), (303, base + "/checks"))
        self.wait_for_checks(browser, base)
        self.wait_for_state(connection, "active")
        path, connected = browser.follow(base)
        self.assertEqual(path, base + "/connected")
        self.assertIn(role_arn, connected.body)

        key = self.workload_key()
        self.deputy.must("POST", f"/v1/connections/{connection['id']}/credentials", {"reason": "nightly import"}, key=key)
        self.assertIn("nightly import", browser.get(base + "/connected").body)

        report = browser.get(base + "/report")
        pem = self.deputy.call("GET", "/v1/report-key", key="none").body["pem"]
        checked = self.check_report(report.body, pem)
        self.assertEqual(checked.returncode, 0, checked.stderr)
        self.assertEqual(self.check_report(report.body.replace('"passed"', '"failed"', 1), pem).returncode, 1)
        self.check_with_openssl(json.loads(report.body), pem)

        form = browser.get(base + "/disconnect").hidden | {"confirm": "yes"}
        self.assertEqual(browser.request("POST", base + "/disconnect", form).status, 303)
        self.assertEqual(self.state(connection), "disconnected")
        refused = self.deputy.call("POST", f"/v1/connections/{connection['id']}/credentials", {}, key=key)
        self.assertGreaterEqual(refused.status, 400)
        self.assertIn("Disconnected", browser.follow(base)[1].body)

    def check_report(self, report, pem):
        report_file, key_file = f"{self.folder}/report.json", f"{self.folder}/key.pem"
        for name, text in ((report_file, report), (key_file, pem)):
            with open(name, "w") as file:
                file.write(text)
        return subprocess.run([BINARY, "report", "verify", report_file, "--key", key_file], capture_output=True, text=True, timeout=30)

    def check_with_openssl(self, document, pem):
        """The steps of docs/connect.md, for whoever has no Deputy."""
        report = json.dumps(document["report"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        for name, content in (("report", report.encode()), ("signature", base64.b64decode(document["signature"]["value"])), ("key.pem", pem.encode())):
            with open(f"{self.folder}/{name}", "wb") as file:
                file.write(content)
        subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "key.pem", "-rawin", "-in", "report", "-sigfile", "signature"],
                       cwd=self.folder, check=True, capture_output=True, timeout=30)

    def test_an_open_role_is_rejected_with_the_mend_and_passes_once_it_is_mended(self):
        session, browser, _ = self.open_session()
        base = "/connect/" + session["id"]
        connection = self.deputy.must("GET", f"/v1/connections/{session['connection_id']}")
        role_arn = self.make_role("open-door", trust())
        browser.request("POST", base + "/role", browser.get(base + "/role").hidden | {"role_arn": role_arn})
        page = self.wait_for_checks(browser, base)
        self.assertEqual(self.state(connection), "rejected")
        self.assertIn("sts:ExternalId", page.body)
        self.sandbox.client("iam").update_assume_role_policy(RoleName="open-door", PolicyDocument=trust(connection["external_id"]))
        again = browser.request("POST", base + "/verify", page.hidden | {"from": "checks"})
        self.assertEqual(again.status, 303)
        self.wait_for_state(connection, "active")

    def test_the_commands_make_show_and_end_sessions(self):
        self.define_integration()
        tenant = self.deputy.must("POST", "/v1/tenants", {"name": "Acme"})
        made = self.deputy.command("connect-session", "create", "--tenant", tenant["id"], "--integration", "log-reader")
        self.assertEqual(made.returncode, 0, made.stderr)
        session = re.search(r"^id: (cse_\S+)$", made.stdout, re.MULTILINE).group(1)
        url = re.search(r"^url: (\S+)$", made.stdout, re.MULTILINE).group(1)
        self.assertNotIn("/open/", self.deputy.command("connect-session", "show", session).stdout)
        self.assertIn(session, self.deputy.command("connect-session", "list").stdout)
        self.assertEqual(self.deputy.command("connect-session", "end", session).returncode, 0)
        self.assertEqual(Browser(self.deputy.url).get(urllib.parse.urlsplit(url).path).status, 410)

    def test_the_links_secret_is_in_no_log(self):
        session, browser, _ = self.open_session()
        secret = session["url"].rsplit("/", 1)[1]
        browser.get("/connect/" + session["id"] + "/open/" + secret + "x")
        metrics = self.deputy.call("GET", "/metrics").text
        self.assertIn("/connect/{session}", metrics)
        journal = self.deputy.command("journal", "list").stdout
        self.deputy.stop()
        for text in (metrics, journal, self.deputy.logs):
            self.assertNotIn(secret, text)


if __name__ == "__main__":
    unittest.main()
