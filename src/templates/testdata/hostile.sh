#!/bin/sh
# Made for Acme"; rm -rf / #'    \ $ {AWS::AccountId} $ {var.x} % { if true } $(touch pwned) `touch pwned` </script> <!-- --> & evil  { {resolve:secretsmanager:prod:SecretString}} EOF : - !Ref x �   end (ten_aaaabbbbccccddddeeeeffff) alone: if you are not Acme"; rm -rf / #'    \ $ {AWS::AccountId} $ {var.x} % { if true } $(touch pwned) `touch pwned` </script> <!-- --> & evil  { {resolve:secretsmanager:prod:SecretString}} EOF : - !Ref x �   end, do not use this. Gives the integration log-reader (version 3) access to this AWS account, connection con_gggghhhhiiiijjjjkkkkllll. Acme"; rm -rf / #'    \ $ {AWS::AccountId} $ {var.x} % { if true } $(touch pwned) `touch pwned` </script> <!-- --> & evil  { {resolve:secretsmanager:prod:SecretString}} EOF : - !Ref x �   end
# Template version 1. Needs the AWS CLI, signed in to the account that is to be connected.
# Permission: Acme"; rm -rf / #'    \ $ {AWS::AccountId} $ {var.x} % { if true } $(touch pwned) `touch pwned` </script> <!-- --> & evil  { {resolve:secretsmanager:prod:SecretString}} EOF : - !Ref x �   end
set -eu
# With ALLOW_SELF_READ=false in the environment the partner cannot read this role to check it.
allow_self_read=${ALLOW_SELF_READ:-true}
export AWS_PAGER=

role_name='deputy-log-reader-kkkkllll'
connection='con_gggghhhhiiiijjjjkkkkllll'
description='Made for Acme"; rm -rf / #'\''    \ $ {AWS::AccountId} $ {var.x} % { if true } $(touch pwned) `touch pwned` </script> <!-- --> & evil  { {resolve:secretsmanager:prod:SecretString}} EOF : - !Ref x ?   end (ten_aaaabbbbccccddddeeeeffff) alone: if you are not Acme"; rm -rf / #'\''    \ $ {AWS::AccountId} $ {var.x} % { if true } $(touch pwned) `touch pwned` </script> <!-- --> & evil  { {resolve:secretsmanager:prod:SecretString}} EOF : - !Ref x ?   end, do not use this. Gives the integration log-reader (version 3) access to this AWS account, connection con_gggghhhhiiiijjjjkkkkllll. Acme"; rm -rf / #'\''    \ $ {AWS::AccountId} $ {var.x} % { if true } $(touch pwned) `touch pwned` </script> <!-- --> & evil  { {resolve:secretsmanager:prod:SecretString}} EOF : - !Ref x ?   end'
tags='[{"Key":"deputy:tenant","Value":"ten_aaaabbbbccccddddeeeeffff"},{"Key":"deputy:tenant-name","Value":"Acme__ rm -rf / __    _ _ _AWS::AccountId_ _ _var.x_ _ _ if true _ __touch pwned_ _touch pwned_ _/script_ __-- --_ _ evil  _ _resolve:secretsmanager:prod:SecretString__ EOF : - _Ref x _   end"},{"Key":"deputy:connection","Value":"con_gggghhhhiiiijjjjkkkkllll"},{"Key":"deputy:integration","Value":"log-reader"},{"Key":"deputy:integration-version","Value":"3"}]'
session_seconds_max=3600
trust_policy='{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "DeputyWithExternalId",
      "Effect": "Allow",
      "Principal": {
        "AWS": "arn:aws:iam::111122223333:role/partner/deputy.broker"
      },
      "Action": [
        "sts:AssumeRole",
        "sts:TagSession"
      ],
      "Condition": {
        "StringEquals": {
          "sts:ExternalId": "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"
        }
      }
    }
  ]
}'

identity=$(aws sts get-caller-identity --query Arn --output text)
partition=$(printf '%s' "$identity" | cut -d: -f2)
account=$(printf '%s' "$identity" | cut -d: -f5)
if [ "$account" != 444455556666 ]; then
  echo "This role is for the AWS account 444455556666, and the AWS CLI is signed in to $account. Nothing was done." >&2
  exit 1
fi

made_for=$(aws iam get-role --role-name "$role_name" --query "Role.Tags[?Key=='deputy:connection'].Value | [0]" --output text 2>/dev/null || true)
if [ "$made_for" = "$connection" ]; then
  echo "Updating the role $role_name" >&2
  aws iam update-assume-role-policy --role-name "$role_name" --policy-document "$trust_policy"
else
  echo "Creating the role $role_name" >&2
  aws iam create-role --role-name "$role_name" --description "$description" --tags "$tags" \
    --max-session-duration "$session_seconds_max" --assume-role-policy-document "$trust_policy" >/dev/null
fi
role_arn=$(aws iam get-role --role-name "$role_name" --query Role.Arn --output text)
aws iam put-role-policy --role-name "$role_name" --policy-name deputy-permissions --policy-document '{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "ReadLogs",
      "Effect": "Allow",
      "Action": "logs:GetLogEvents",
      "Resource": "*",
      "Condition": {
        "StringLike": {
          "aws:PrincipalTag/\"y'\''n: ${x} %{y} $(touch pwned) `z` #": [
            "\"; '\''\n\t\\ ${AWS::AccountId} ${!x} ${aws:username} %{ if } $(touch pwned) `touch pwned` </script> ‮ \u0000 ü",
            "arn:'"$partition"':s3:::'\''${aws:username}/\"$(touch pwned)\n${!y} %{z}"
          ]
        }
      }
    }
  ]
}'
if [ "$allow_self_read" = true ]; then
  aws iam put-role-policy --role-name "$role_name" --policy-name deputy-self-read --policy-document '{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "DeputyReadsThisRole",
      "Effect": "Allow",
      "Action": [
        "iam:GetRole",
        "iam:GetRolePolicy",
        "iam:ListRolePolicies",
        "iam:ListAttachedRolePolicies"
      ],
      "Resource": "'"$role_arn"'"
    }
  ]
}'
fi
echo "Give this ARN to the partner:" >&2
printf '%s\n' "$role_arn"
