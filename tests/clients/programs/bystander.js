// SPDX-License-Identifier: MIT
// node's own HTTP has no libcurl in it: its chat request stays as it is.
const http = require('http');
const headers = { Authorization: 'Bearer sk-test', 'Content-Type': 'application/json' };
const request = http.request(process.argv[2], { method: 'POST', headers }, (answer) => {
  answer.pipe(process.stdout);
});
request.end('{}');
