// The same program as customers.py, with the AWS SDK for JavaScript v3 as it is.
import {createInterface} from 'node:readline';

import {CloudWatchLogsClient, DescribeLogGroupsCommand, FilterLogEventsCommand} from '@aws-sdk/client-cloudwatch-logs';
import {ListBucketsCommand, S3Client} from '@aws-sdk/client-s3';
import {fromIni} from '@aws-sdk/credential-providers';

const [endpoint, region, ...profiles] = process.argv.slice(2);

function clientsOf(profile) {
  // Without a profile: the SDK's own chain of credentials.
  const options = {endpoint, region, maxAttempts: 1, ...(profile ? {credentials: fromIni({profile})} : {})};
  return {s3: new S3Client({...options, forcePathStyle: true}), logs: new CloudWatchLogsClient(options)};
}

async function lookInto({s3, logs}) {
  const {Buckets} = await s3.send(new ListBucketsCommand({}));
  const {logGroups} = await logs.send(new DescribeLogGroupsCommand({}));
  const {events} = await logs.send(new FilterLogEventsCommand({logGroupName: logGroups[0].logGroupName}));
  return {
    buckets: Buckets.map(({Name}) => Name),
    logs: events.map(({message}) => message),
    key: (await s3.config.credentials()).accessKeyId,
  };
}

const customers = (profiles.length ? profiles : ['']).map((profile) => [profile, clientsOf(profile)]);
for await (const _ of createInterface({input: process.stdin})) {
  const seen = {};
  for (const [profile, clients] of customers) {
    try {
      seen[profile] = await lookInto(clients);
    } catch (error) {  // whatever it is, the test is to see it
      seen[profile] = {error: `${error.name}: ${error.message}`};
    }
  }
  console.log(JSON.stringify(seen));
}
