const assert = require("node:assert");
const { once } = require("node:events");
const test = require("node:test");

const app = require("./app");

test("it says hello", async () => {
  const server = app.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    const response = await fetch(`http://127.0.0.1:${server.address().port}/`);
    assert.match(await response.text(), /^Hello from express/);
  } finally {
    server.close();
  }
});
