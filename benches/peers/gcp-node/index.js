// The functions that `cargo xtask bench` serves with the GCP Node framework; --target picks one.
const functions = require('@google-cloud/functions-framework');

functions.http('hello', (req, res) => res.send('Hello, World!'));

// The framework decodes the body of every request that says it is JSON.
functions.http('typed', (req, res) => {
  const {orderId, items} = req.body;
  res.json({orderId, lines: items.length, total: items.reduce((total, item) => total + item.price * item.count, 0)});
});

// The framework has read the whole body before the function runs.
functions.http('collect', (req, res) => res.send(String(req.rawBody.length)));

functions.cloudEvent('event', event => {
  if (!event.id) throw new Error('an event has an id');
});

functions.cloudEvent('reply', event => ({...event, source: '/peer/reply', type: 'org.openfunction.peer.reply'}));
