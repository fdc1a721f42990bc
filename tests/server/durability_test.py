"""kill -9 at any moment, tampering with the file, wrong keys and broken databases: nothing acknowledged is lost, nothing wrong is believed."""

import os
import shutil
import signal
import sqlite3
import threading
import unittest

from harness import PARTNER_ROLE, ServerTest, trust


class Durability(ServerTest):
    def database(self):
        return os.path.join(self.deputy.folder, "deputy.db")

    def connections(self):
        items, cursor = [], ""
        while True:
            page = self.deputy.must("GET", f"/v1/connections?limit=200{cursor}")
            items += page["items"]
            if not page["next_cursor"]:
                return items
            cursor = "&cursor=" + page["next_cursor"]

    def test_a_kill_loses_no_acknowledged_connection_and_duplicates_no_external_id(self):
        tenant_of = self.connect()["tenant_id"]
        acknowledged = {}
        for round_number in range(4):
            enough = threading.Event()

            def create(seen=enough, wanted=10 + 7 * round_number):
                made = 0
                while True:
                    try:
                        answer = self.deputy.call("POST", "/v1/connections", {"tenant_id": tenant_of, "integration": "log-reader"})
                    except OSError:
                        return
                    if answer.status == 201:
                        acknowledged[answer.body["id"]] = answer.body["external_id"]
                        made += 1
                    if made >= wanted:
                        seen.set()

            workers = [threading.Thread(target=create) for _ in range(4)]
            for worker in workers:
                worker.start()
            self.assertTrue(enough.wait(timeout=60))
            self.deputy.stop(signal.SIGKILL)
            for worker in workers:
                worker.join()
            self.deputy.start()
        stored = {connection["id"]: connection["external_id"] for connection in self.connections()}
        self.assertEqual({**stored, **acknowledged}, stored)
        self.assertEqual(len(set(stored.values())), len(stored))
        self.assertEqual(self.deputy.command("journal", "verify").returncode, 0)

    def test_verifying_survives_a_kill(self):
        connection = self.connect()
        self.deputy.stop()
        self.deputy.settings["DEPUTY_VERIFICATION__PROPAGATION_WINDOW"] = "60s"
        self.deputy.start()
        self.give_role(connection, "arn:aws:iam::222222222222:role/reader")
        self.assertEqual(self.state(connection), "verifying")
        self.deputy.stop(signal.SIGKILL)
        self.make_role("reader", trust(connection["external_id"]))
        self.deputy.start()
        self.wait_for_state(connection, "active")

    def test_a_graceful_stop_ends_with_status_0_and_keeps_everything(self):
        connection = self.active_connection()
        self.assertEqual(self.deputy.stop(), 0)
        self.deputy.start()
        self.assertEqual(self.state(connection), "active")

    def test_a_second_server_on_the_same_database_is_refused(self):
        second = self.deputy.command("serve")
        self.assertNotEqual(second.returncode, 0)
        self.assertIn("deputy.db", second.stderr)

    def test_moving_acmes_sealed_pair_to_mallory_is_found(self):
        acme = self.active_connection()
        mallory = self.connect("Mallory")
        self.deputy.stop()
        with sqlite3.connect(self.database()) as database:
            columns = [row[1] for row in database.execute("PRAGMA table_info(connections)")]
            sealed = [name for name in columns if "role_arn" in name or "external_id" in name]
            self.assertTrue(sealed)
            for name in sealed:
                database.execute(f"UPDATE connections SET {name} = (SELECT {name} FROM connections WHERE id = ?) WHERE id = ?", (acme["id"], mallory["id"]))
        database.close()
        self.assertEqual(self.deputy.command("journal", "verify").returncode, 1)
        self.deputy.start()
        answer = self.deputy.call("GET", f"/v1/connections/{mallory['id']}")
        self.assertEqual((answer.status, answer.body["code"]), (500, "internal"))
        self.assertNotIn(acme["external_id"], answer.text)

    def test_an_edited_state_is_not_believed(self):
        connection = self.connect()
        self.give_role(connection, self.make_role("open", trust()))
        self.wait_for_state(connection, "rejected")
        self.deputy.stop()
        with sqlite3.connect(self.database()) as database:
            database.execute("UPDATE connections SET state = 'active' WHERE id = ?", (connection["id"],))
        database.close()
        self.deputy.start()
        self.assertEqual(self.deputy.call("POST", f"/v1/connections/{connection['id']}/credentials", {}).status, 500)

    def test_a_row_put_back_to_an_older_state_stops_issuing(self):
        connection = self.active_connection()
        self.workload_key()
        path = f"/v1/connections/{connection['id']}/credentials"
        self.deputy.must("POST", path, {})
        self.deputy.stop()

        def workload():
            with sqlite3.connect(self.database()) as database:
                row = database.execute("SELECT * FROM workloads WHERE name = 'log-loader'").fetchone()
            database.close()
            return row

        granted = workload()
        self.deputy.start()
        self.deputy.must("PUT", "/v1/workloads/log-loader", {"grants": []})
        self.deputy.stop()
        with sqlite3.connect(self.database()) as database:
            columns = [row[1] for row in database.execute("PRAGMA table_info(workloads)")]
            database.execute(f"UPDATE workloads SET {', '.join(name + ' = ?' for name in columns)} WHERE name = 'log-loader'", granted)
        database.close()
        self.assertEqual(workload(), granted)
        self.deputy.start()
        self.deputy.process.wait_for("critical.*tampered")
        self.assertEqual(self.deputy.call("GET", "/readyz").status, 503)
        self.assertEqual(self.deputy.call("GET", "/healthz").status, 200)
        answer = self.deputy.call("POST", path, {})
        self.assertEqual((answer.status, answer.body["code"]), (500, "internal"))
        self.assertEqual(self.deputy.call("GET", "/v1/workloads/log-loader").status, 200)

    def test_an_older_copy_of_the_file_shows_against_a_checkpoint(self):
        self.connect()
        self.deputy.stop()
        older = self.database() + ".older"
        shutil.copy(self.database(), older)
        self.deputy.start()
        self.deputy.must("POST", "/v1/tenants", {"name": "Later"})
        self.deputy.stop()
        verified = self.deputy.command("journal", "verify")
        self.assertEqual(verified.returncode, 0, verified.stderr)
        checkpoint = os.path.join(self.folder, "checkpoint")
        with open(checkpoint, "w") as file:
            file.write(verified.stdout)
        self.assertEqual(self.deputy.command("journal", "verify", "--checkpoint", checkpoint).returncode, 0)
        for suffix in ("-wal", "-shm"):
            if os.path.exists(self.database() + suffix):
                os.remove(self.database() + suffix)
        shutil.copy(older, self.database())
        self.assertEqual(self.deputy.command("journal", "verify").returncode, 0)
        self.assertEqual(self.deputy.command("journal", "verify", "--checkpoint", checkpoint).returncode, 1)
        self.deputy.start()

    def test_databases_and_keys_that_are_wrong_say_what_to_do(self):
        self.deputy.stop()
        key_file = os.path.join(self.deputy.folder, "master.key")
        key = open(key_file).read()

        def refused(*words):
            started = self.deputy.command("serve")
            self.assertNotEqual(started.returncode, 0)
            for word in words:
                self.assertIn(word, started.stderr.lower())
            self.assertNotIn(key.strip(), started.stderr)

        os.remove(key_file)
        refused("master.key")
        with open(key_file, "w") as file:
            file.write("A" * 43 + "=\n")
        os.chmod(key_file, 0o600)
        refused("master key")
        with open(key_file, "w") as file:
            file.write(key)
        os.chmod(key_file, 0o644)
        refused("master.key")
        os.chmod(key_file, 0o600)

        version = sqlite3.connect(self.database())
        number = version.execute("PRAGMA user_version").fetchone()[0]
        version.execute("PRAGMA user_version = 9999")
        version.close()
        refused("newer")
        version = sqlite3.connect(self.database())
        version.execute(f"PRAGMA user_version = {number}")
        version.close()
        self.deputy.start()

    def test_a_locked_database_answers_503_and_recovers(self):
        self.define_integration()
        blocker = sqlite3.connect(self.database(), isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        answer = self.deputy.call("POST", "/v1/tenants", {"name": "Acme"})
        self.assertEqual((answer.status, answer.body["code"]), (503, "overloaded"))
        self.assertTrue(answer.headers["Retry-After"])
        blocker.execute("ROLLBACK")
        blocker.close()
        self.deputy.must("POST", "/v1/tenants", {"name": "Acme"})


if __name__ == "__main__":
    unittest.main()
