"""AWS misbehaves, and secrets stay where they belong."""

import subprocess
import unittest

from harness import ServerTest, trust


class Faults(ServerTest):
    def prepared(self):
        connection = self.connect()
        self.role = self.make_role("reader", trust(connection["external_id"]))
        return connection

    def outcome_under(self, *disturbances):
        connection = self.prepared()
        self.give_role(connection, self.role)
        self.wait_for_state(connection, "active")
        self.sandbox.misbehave(*disturbances)
        verification = self.verify(connection, seconds=60)
        self.sandbox.misbehave()
        return connection, verification

    def assert_inconclusive_and_unchanged(self, disturbance):
        connection, verification = self.outcome_under(disturbance)
        self.assertEqual(verification["outcome"], "inconclusive", verification)
        self.assertEqual(self.state(connection), "active")
        self.assertEqual(self.verify(connection)["outcome"], "passed")

    def test_throttling_is_no_denial(self):
        self.assert_inconclusive_and_unchanged({"kind": "throttle", "service": "sts", "operation": "AssumeRole"})

    def test_a_server_error_is_no_denial(self):
        self.assert_inconclusive_and_unchanged({"kind": "server_error", "service": "sts", "status": 503})

    def test_a_cut_connection_is_no_denial(self):
        self.assert_inconclusive_and_unchanged({"kind": "cut_connection", "service": "sts"})

    def test_a_malformed_answer_is_no_denial(self):
        self.assert_inconclusive_and_unchanged({"kind": "malformed_answer", "service": "sts"})

    def test_an_open_role_is_not_hidden_by_errors(self):
        connection = self.connect()
        self.sandbox.misbehave({"kind": "server_error", "service": "sts", "status": 500, "count": 2})
        self.give_role(connection, self.make_role("open", trust()))
        self.wait_for_state(connection, "rejected")

    def test_iams_lag_is_waited_out(self):
        connection = self.connect()
        self.deputy.stop()
        self.deputy.settings["DEPUTY_VERIFICATION__PROPAGATION_WINDOW"] = "30s"
        self.deputy.start()
        self.sandbox.misbehave({"kind": "propagation", "delay_ms": 1500})
        self.give_role(connection, self.make_role("reader", trust(connection["external_id"])))
        self.wait_for_state(connection, "active")

    def test_issuing_tells_throttled_from_unavailable(self):
        connection = self.prepared()
        self.give_role(connection, self.role)
        self.wait_for_state(connection, "active")
        path = f"/v1/connections/{connection['id']}/credentials"
        for disturbance, code in (({"kind": "throttle", "service": "sts"}, "upstream_throttled"),
                                  ({"kind": "server_error", "service": "sts", "status": 500}, "upstream_unavailable")):
            self.sandbox.misbehave(disturbance)
            answer = self.deputy.call("POST", path, {})
            self.assertEqual((answer.status, answer.body["code"]), (503, code))
            self.assertTrue(answer.headers["Retry-After"])
        self.sandbox.misbehave()
        self.deputy.must("POST", path, {})

    def test_no_secret_is_in_the_log_the_database_the_journal_or_the_metrics(self):
        connection = self.active_connection()
        workload_key = self.workload_key()
        got = self.deputy.must("POST", f"/v1/connections/{connection['id']}/credentials", {}, workload_key)
        self.deputy.call("POST", f"/v1/connections/{connection['id']}/credentials", {"session_policy": {"broken": True}})
        self.deputy.call("GET", "/v1/tenants", key=workload_key)
        metrics = self.deputy.call("GET", "/metrics").text
        journal = self.deputy.command("journal", "list").stdout
        self.deputy.stop()
        key = open(self.deputy.folder + "/master.key").read().strip()
        database = b"".join(open(f"{self.deputy.folder}/deputy.db{suffix}", "rb").read() for suffix in ("", "-wal") if
                            subprocess.run(["test", "-e", f"{self.deputy.folder}/deputy.db{suffix}"]).returncode == 0)
        secrets = {"admin key": self.deputy.admin_key, "workload key": workload_key, "secret": got["secret_access_key"], "token": got["session_token"],
                   "master key": key}
        sealed = {"external ID": connection["external_id"], "role": connection["role_arn"]}
        for name, value in {**secrets, **sealed}.items():
            self.assertNotIn(value.encode(), database, name + " in the database")
            self.assertNotIn(value, journal, name + " in the journal")
            self.assertNotIn(value, metrics, name + " in the metrics")
        for name, value in secrets.items():
            self.assertNotIn(value, self.deputy.logs, name + " in the log")
        self.deputy.start()


if __name__ == "__main__":
    unittest.main()
