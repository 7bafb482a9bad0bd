# From an upload to a handler with the AWS CLI alone: a bucket tells a topic, the topic a
# queue, and the queue a function, which reports to $LEDGER_URL. The function's code
# comes from a bucket, too: $CODE is its zip file.
set -eu
aws() { command aws --endpoint-url "$ENDPOINT" --output text "$@"; }
sqs=arn:aws:sqs:us-east-1:000000000000:uploads
sns=arn:aws:sns:us-east-1:000000000000:uploads

allow() { # SERVICE ACTION RESOURCE SOURCE, in quotes that stand in a string of JSON
  printf '{\\"Version\\":\\"2012-10-17\\",\\"Statement\\":[{\\"Effect\\":\\"Allow\\",\\"Principal\\":{\\"Service\\":\\"%s\\"},\\"Action\\":\\"%s\\",\\"Resource\\":\\"%s\\",\\"Condition\\":{\\"ArnLike\\":{\\"aws:SourceArn\\":\\"%s\\"}}}]}' "$@"
}

aws s3 mb s3://uploads >made
aws s3 mb s3://code >made
aws s3 cp "$CODE" s3://code/ledger.zip --no-progress >copied
aws lambda create-function --function-name ledger --runtime provided.al2023 --handler bootstrap --role arn:aws:iam::000000000000:role/r \
  --code S3Bucket=code,S3Key=ledger.zip --environment "Variables={LEDGER_URL=$LEDGER_URL}" --timeout 20 >created

aws sqs create-queue --queue-name uploads --attributes "{\"Policy\":\"$(allow sns.amazonaws.com sqs:SendMessage $sqs $sns)\"}" >created
aws sns create-topic --name uploads --attributes "{\"Policy\":\"$(allow s3.amazonaws.com sns:Publish $sns arn:aws:s3:::uploads)\"}" >created
aws lambda create-event-source-mapping --function-name ledger --event-source-arn $sqs >created
aws sns subscribe --topic-arn $sns --protocol sqs --notification-endpoint $sqs >subscribed
aws s3api put-bucket-notification-configuration --bucket uploads --notification-configuration '{
  "TopicConfigurations": [{
    "TopicArn": "'$sns'",
    "Events": ["s3:ObjectCreated:*"],
    "Filter": {"Key": {"FilterRules": [{"Name": "suffix", "Value": ".txt"}]}}
  }]
}'
echo no | aws s3 cp - s3://uploads/other.bin
echo hello | aws s3 cp - 's3://uploads/in/hello world.txt'
