"""The sample of the AWS post "Securely Using External ID for Accessing AWS Accounts Owned by Others": assume a customer's role with its ARN, a
session name and the external ID, then list the S3 buckets with the three values that come back.

usage: sample_list_buckets.py ROLE_ARN EXTERNAL_ID [ENDPOINT_URL]
"""

import sys

import boto3


def main(role_arn, external_id, endpoint_url=None):
    sts = boto3.client("sts", endpoint_url=endpoint_url)
    assumed_role = sts.assume_role(RoleArn=role_arn, RoleSessionName="AssumeRoleSession1", ExternalId=external_id)
    credentials = assumed_role["Credentials"]

    s3 = boto3.resource(
        "s3",
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
        endpoint_url=endpoint_url,
    )
    for bucket in s3.buckets.all():
        print(bucket.name)


if __name__ == "__main__":
    main(*sys.argv[1:])
