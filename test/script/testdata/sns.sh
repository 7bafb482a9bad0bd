# Does every operation of SNS with the AWS CLI and checks the answers. At its end it
# prints the commands that it gave, sorted.
set -eu
given=$PWD/given
: >"$given"

sns() {
  echo "$1" >>"$given"
  aws --endpoint-url "$ENDPOINT" --output text sns "$@"
}
sqs() { aws --endpoint-url "$ENDPOINT" --output text sqs "$@"; }
want() { [[ $1 == "$2" ]] || { echo "line ${BASH_LINENO[0]}: got $1, want $2" >&2; exit 1; }; }
refused() { # CODE COMMAND...
  local code=$1 said
  shift
  if said=$(sns "$@" 2>&1); then echo "line ${BASH_LINENO[0]}: $code expected, got $said" >&2; exit 1; fi
  [[ $said == *"($code)"* ]] || { echo "line ${BASH_LINENO[0]}: $code expected, got $said" >&2; exit 1; }
}

prefix=arn:aws:sns:us-east-1:000000000000:
queues=arn:aws:sqs:us-east-1:000000000000:
orders=${prefix}orders

want "$(sns create-topic --name orders --attributes DisplayName=Orders --tags Key=team,Value=mill)" "$orders"
want "$(sns list-topics --query 'Topics[].TopicArn')" "$orders"
sns set-topic-attributes --topic-arn "$orders" --attribute-name DisplayName --attribute-value Others
want "$(sns get-topic-attributes --topic-arn "$orders" --query Attributes.DisplayName)" Others
sns tag-resource --resource-arn "$orders" --tags Key=stage,Value=test
sns untag-resource --resource-arn "$orders" --tag-keys team
want "$(sns list-tags-for-resource --resource-arn "$orders" --query 'Tags[].[Key,Value]')" $'stage\ttest'
sns add-permission --topic-arn "$orders" --label friend --aws-account-id 222222222222 --action-name Publish
AWS_ACCESS_KEY_ID=222222222222 sns publish --topic-arn "$orders" --message x >friends
sns remove-permission --topic-arn "$orders" --label friend
AWS_ACCESS_KEY_ID=222222222222 refused AuthorizationError publish --topic-arn "$orders" --message x
policy='{"Name":"p","Version":"2021-06-01","Statement":[]}'
sns put-data-protection-policy --resource-arn "$orders" --data-protection-policy "$policy"
want "$(sns get-data-protection-policy --resource-arn "$orders")" "$policy"

url=$(sqs create-queue --queue-name q)
cat >policy.json <<END
{"Policy": "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"sns.amazonaws.com\"},\"Action\":\"sqs:SendMessage\",\"Resource\":\"${queues}q\"}]}"}
END
sqs set-queue-attributes --queue-url "$url" --attributes file://policy.json
subscription=$(sns subscribe --topic-arn "$orders" --protocol sqs --notification-endpoint "${queues}q" --attributes RawMessageDelivery=true)
sns set-subscription-attributes --subscription-arn "$subscription" --attribute-name FilterPolicy --attribute-value '{"kind":["mill"]}'
want "$(sns get-subscription-attributes --subscription-arn "$subscription" --query Attributes.FilterPolicy)" '{"kind":["mill"]}'
sns publish --topic-arn "$orders" --message 'not for q' >message
sns publish --topic-arn "$orders" --message 'for q' --message-attributes '{"kind":{"DataType":"String","StringValue":"mill"}}' >message
want "$(sqs receive-message --queue-url "$url" --wait-time-seconds 20 --message-attribute-names All --query 'Messages[].[Body,MessageAttributes.kind.StringValue]')" $'for q\tmill'
want "$(sns publish-batch --topic-arn "$orders" --publish-batch-request-entries Id=a,Message=one Id=b,Message=two --query 'Successful[].Id')" $'a\tb'

sns subscribe --topic-arn "$orders" --protocol email --notification-endpoint miller@example.com >pending
want "$(cat pending)" 'pending confirmation'
token=$(curl -sS "$ENDPOINT/_runtime/sns/outbox" | sed -n 's/.*Token=\([0-9a-f]*\).*/\1/p')
mail=$(sns confirm-subscription --topic-arn "$orders" --token "$token")
want "$(sns list-subscriptions-by-topic --topic-arn "$orders" --query 'length(Subscriptions)')" 2
sns unsubscribe --subscription-arn "$mail"
want "$(sns list-subscriptions --query 'Subscriptions[].SubscriptionArn')" "$subscription"

sns publish --phone-number +4930123456 --message 'a text' >message
sns set-sms-attributes --attributes DefaultSMSType=Promotional
want "$(sns get-sms-attributes --attributes DefaultSMSType --query attributes.DefaultSMSType)" Promotional
want "$(sns check-if-phone-number-is-opted-out --phone-number +4930123456)" False
want "$(sns list-phone-numbers-opted-out --query 'length(phoneNumbers)')" 0
sns opt-in-phone-number --phone-number +4930123456
want "$(sns get-sms-sandbox-account-status)" True
want "$(sns list-sms-sandbox-phone-numbers --query 'length(PhoneNumbers)')" 0
want "$(sns list-origination-numbers --query 'length(PhoneNumbers)')" 0
refused UserError create-sms-sandbox-phone-number --phone-number +4930123456
refused ResourceNotFound verify-sms-sandbox-phone-number --phone-number +4930123456 --one-time-password 123456
refused ResourceNotFound delete-sms-sandbox-phone-number --phone-number +4930123456
application=${prefix}app/GCM/shop
refused InvalidParameter create-platform-application --name shop --platform GCM --attributes PlatformCredential=x
want "$(sns list-platform-applications --query 'length(PlatformApplications)')" 0
refused NotFound get-platform-application-attributes --platform-application-arn "$application"
refused NotFound set-platform-application-attributes --platform-application-arn "$application" --attributes Enabled=true
refused NotFound create-platform-endpoint --platform-application-arn "$application" --token t
refused NotFound list-endpoints-by-platform-application --platform-application-arn "$application"
sns delete-platform-application --platform-application-arn "$application"
endpoint=${prefix}endpoint/GCM/shop/5e3e9847-3183-3f18-a7e8-671c3a57d4b3
refused NotFound get-endpoint-attributes --endpoint-arn "$endpoint"
refused NotFound set-endpoint-attributes --endpoint-arn "$endpoint" --attributes Enabled=true
sns delete-endpoint --endpoint-arn "$endpoint"
sns delete-topic --topic-arn "$orders"
want "$(sns list-topics --query 'length(Topics)')" 0
sort -u "$given"
