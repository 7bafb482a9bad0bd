# The session of the page that LocalEmu prints of its Amazon MQ, with a wait for RUNNING
# after create and reboot. ENDPOINT and PYTHON come from the test.
shopt -s expand_aliases
alias awsemu='aws --endpoint-url $ENDPOINT'

running() { # waits; the test cuts off what takes too long
  local state
  until state=$(awsemu mq describe-broker --broker-id "$1" --query BrokerState --output text) && [ "$state" = RUNNING ]; do
    [ "$state" != CREATION_FAILED ] || { awsemu mq describe-broker --broker-id "$1" >&2; exit 1; }
    sleep 0.2
  done
}
field() { "$PYTHON" -c 'import json,sys; print(json.load(sys.stdin)'"$1"')'; }

awsemu mq create-broker --broker-name orders \
  --engine-type RABBITMQ --engine-version 3.13 \
  --host-instance-type mq.t3.micro \
  --deployment-mode SINGLE_INSTANCE \
  --publicly-accessible \
  --users '[{"Username":"admin","Password":"supersecret123","Groups":["admin"]}]' \
  --query '{Id:BrokerId,Arn:BrokerArn}' > created
cat created
ID=$(field '["Id"]' < created)
running "$ID"

awsemu mq describe-broker --broker-id "$ID" \
  --query '{State:BrokerState,Eps:BrokerInstances[0].Endpoints,Console:BrokerInstances[0].ConsoleURL}' > described
cat described
AMQP=$(field '["Eps"][0]' < described)
export PORT=${AMQP##*:}

roundtrip() {
  "$PYTHON" - <<'PY'
import os, pika
params = pika.ConnectionParameters(
    host="127.0.0.1", port=int(os.environ["PORT"]),
    credentials=pika.PlainCredentials("admin", "supersecret123"),
)
conn = pika.BlockingConnection(params)
ch = conn.channel()
ch.queue_declare(queue="hello")
ch.basic_publish(exchange="", routing_key="hello", body=b"world")
method, props, body = ch.basic_get(queue="hello", auto_ack=True)
print("Got:", body.decode())
conn.close()
PY
}
roundtrip

CONSOLE=$(awsemu mq describe-broker --broker-id "$ID" \
  --query 'BrokerInstances[0].ConsoleURL' --output text)
echo "$CONSOLE"
curl -sk -u admin:supersecret123 $CONSOLE/api/queues \
  | "$PYTHON" -c 'import sys,json;[print(q["name"]) for q in json.load(sys.stdin)]'

awsemu mq reboot-broker --broker-id "$ID"
running "$ID"
roundtrip

awsemu mq list-brokers --query 'BrokerSummaries[].{Name:BrokerName,State:BrokerState}' --output json | tr -d ' \n'
echo
awsemu mq delete-broker --broker-id "$ID"
while awsemu mq describe-broker --broker-id "$ID" > left 2>&1; do sleep 0.2; done
cat left
