// Verifies documents of SNS with the libraries that Node programs use. They fetch the
// certificate themselves.
//
// Reads {"documents": {name: text}, "connect": "host:port"} and prints
// {"name, library": true or a reason}.
'use strict';

const https = require('node:https');
const tls = require('node:tls');
const fs = require('node:fs');
const MessageValidator = require('sns-validator');
const PayloadValidator = require('sns-payload-validator');

const { documents, connect } = JSON.parse(fs.readFileSync(0, 'utf8'));
const colon = connect.lastIndexOf(':');

// The host is one of AWS, as the libraries insist on it; here it leads to the server of the test.
https.globalAgent = new https.Agent();
https.globalAgent.createConnection = (options) =>
  tls.connect({ host: connect.slice(0, colon), port: +connect.slice(colon + 1), servername: options.servername || options.host, ca: options.ca });

const validate = (message) =>
  new Promise((resolve, reject) => new MessageValidator().validate(message, (err) => (err ? reject(err) : resolve())));

async function main() {
  const verdicts = {};
  for (const [name, text] of Object.entries(documents)) {
    const whole = JSON.parse(text);
    const message = whole.Records ? whole.Records[0].Sns : whole;
    for (const [library, check] of Object.entries({
      'sns-validator': () => validate({ ...message }),
      'sns-payload-validator': () => new PayloadValidator().validate({ ...message }),
    })) {
      // sns-validator signs these like notifications, which SNS does not.
      if (library === 'sns-validator' && message.Type === 'UnsubscribeConfirmation') continue;
      verdicts[`${name}, ${library}`] = await check().then(() => true, (err) => String(err.message || err));
    }
  }
  process.stdout.write(JSON.stringify(verdicts));
  https.globalAgent.destroy();
}

main().catch((err) => {
  console.error(err);
  process.exit(1);
});
