"""Events to the partner: signed as docs/webhooks.md says, kept while the receiver is down, also across kill -9."""

import http.server
import os
import pathlib
import re
import signal
import threading
import unittest

from harness import ServerTest

GUIDE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "webhooks.md"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def event_is_ours():
    """The sample of the guide, as partners copy it."""
    code = re.search(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL).group(1)
    names = {}
    exec(code, names)
    return names["event_is_ours"]


class Receiver:
    """A partner's receiver on a port that stays the same when it goes down and comes back."""

    def __init__(self):
        self.events, self.changed, self.status, self.port, self.server = [], threading.Condition(), 204, 0, None

    def up(self):
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with receiver.changed:
                    receiver.events.append(({name.lower(): value for name, value in self.headers.items()}, body))
                    receiver.changed.notify_all()
                self.send_response(receiver.status)
                self.send_header("Content-Length", "0")
                if receiver.status == 302:
                    self.send_header("Location", "/elsewhere")
                self.end_headers()

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def down(self):
        self.server.shutdown()
        self.server.server_close()

    def wait_for(self, count, seconds=30):
        with self.changed:
            if not self.changed.wait_for(lambda: len(self.events) >= count, timeout=seconds):
                raise AssertionError(f"{len(self.events)} events came, not {count}")
            return list(self.events)


class Webhooks(ServerTest):
    def setUp(self):
        super().setUp()
        self.receiver = Receiver()
        self.receiver.up()
        self.addCleanup(self.receiver.down)
        secret = os.path.join(self.deputy.folder, "webhook.secret")
        with open(os.open(secret, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(SECRET + "\n")
        self.deputy.stop()
        self.deputy.settings["DEPUTY_WEBHOOKS__URL"] = f"http://127.0.0.1:{self.receiver.port}/hook"
        self.deputy.settings["DEPUTY_WEBHOOKS__SECRET_FILE"] = secret
        self.deputy.start()

    def test_the_guides_sample_takes_what_deputy_sends_and_nothing_else(self):
        self.active_connection()
        headers, body = self.receiver.wait_for(1)[0]
        check = event_is_ours()
        self.assertIn(b'"connection.active"', body)
        self.assertTrue(check(SECRET, headers, body))
        self.assertFalse(check(SECRET, headers, body.replace(b"active", b"passive")))
        self.assertFalse(check(SECRET, {**headers, "webhook-id": "evt_other"}, body))
        self.assertFalse(check("whsec_" + "A" * 32, headers, body))
        sent_at = int(headers["webhook-timestamp"])
        self.assertFalse(check(SECRET, headers, body, now=sent_at + 301))
        self.assertFalse(check(SECRET, {**headers, "webhook-timestamp": str(sent_at + 1)}, body))

    def test_a_receiver_that_is_down_loses_nothing_also_across_a_kill(self):
        self.receiver.down()
        connection = self.active_connection()
        self.deputy.must("DELETE", f"/v1/connections/{connection['id']}")
        self.deputy.stop(signal.SIGKILL)
        self.receiver.up()
        self.deputy.start()
        events = self.receiver.wait_for(2, seconds=100)
        self.assertIn(b'"connection.active"', events[0][1])
        self.assertIn(b'"connection.disconnected"', events[-1][1])
        self.assertEqual(self.deputy.command("journal", "verify").returncode, 0)

    def test_a_redirect_is_not_followed_and_comes_again(self):
        self.receiver.status = 302
        self.active_connection()
        first = self.receiver.wait_for(1)
        self.receiver.status = 200
        second = self.receiver.wait_for(2)
        self.assertEqual(first[0][0]["webhook-id"], second[1][0]["webhook-id"])

    def test_a_secret_that_others_can_read_is_refused(self):
        self.deputy.stop()
        os.chmod(self.deputy.settings["DEPUTY_WEBHOOKS__SECRET_FILE"], 0o644)
        checked = self.deputy.command("config", "check")
        self.assertEqual(checked.returncode, 1)
        self.assertIn("webhooks.secret_file", checked.stdout)
        self.assertNotIn("MfKQ9", checked.stdout + checked.stderr)
        served = self.deputy.command("serve")
        self.assertNotEqual(served.returncode, 0)


if __name__ == "__main__":
    unittest.main()
