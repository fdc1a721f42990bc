"""A program as a partner writes it: reads its customers' buckets and logs, with boto3 as it is.

For each line on standard input it goes through its customers once and prints one line of JSON. Standard input stays open, so that the same sessions are
used again later: that is when credentials are refreshed.
"""

import json
import sys

import boto3

endpoint, region, *profiles = sys.argv[1:]


def session_of(profile):
    return boto3.Session(profile_name=profile or None, region_name=region)


def look_into(session):
    buckets = session.client("s3", endpoint_url=endpoint).list_buckets()["Buckets"]
    logs = session.client("logs", endpoint_url=endpoint)
    group = logs.describe_log_groups()["logGroups"][0]["logGroupName"]
    events = logs.filter_log_events(logGroupName=group)["events"]
    return {"buckets": [bucket["Name"] for bucket in buckets], "logs": [event["message"] for event in events],
            "key": session.get_credentials().get_frozen_credentials().access_key}


sessions = {profile: session_of(profile) for profile in profiles or [""]}
for _ in sys.stdin:
    seen = {}
    for profile, session in sessions.items():
        try:
            seen[profile] = look_into(session)
        except Exception as error:  # whatever it is, the test is to see it
            seen[profile] = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(seen), flush=True)
