// So many runs of so many steps, so many of them at a time; prints one line of JSON.
import http from "node:http";

const [port, steps, inFlight, runs] = process.argv.slice(2).map(Number);
const agent = new http.Agent({ keepAlive: true, maxSockets: inFlight });

function run() {
  return new Promise((resolve, reject) => {
    const began = process.hrtime.bigint();
    const body = JSON.stringify(steps);
    const headers = { "content-type": "application/json", "content-length": body.length };
    const options = { host: "127.0.0.1", port, path: "/steps/run", method: "POST", agent, headers };
    const request = http.request(options, (answer) => {
      answer.resume();
      answer.on("end", () => {
        if (answer.statusCode >= 300) reject(new Error(`status ${answer.statusCode}`));
        else resolve(Number(process.hrtime.bigint() - began) / 1e6);
      });
    });
    request.on("error", reject);
    request.end(body);
  });
}

const lapses = [];
let left = runs;
async function work() {
  while (left > 0) {
    left -= 1;
    lapses.push(await run());
  }
}

for (let i = 0; i < Math.min(20, runs); i += 1) await run();
const began = process.hrtime.bigint();
await Promise.all(Array.from({ length: inFlight }, work));
const seconds = Number(process.hrtime.bigint() - began) / 1e9;
lapses.sort((one, other) => one - other);
const at = (share) => lapses[Math.floor(((lapses.length - 1) * share) / 100)];
console.log(
  JSON.stringify({
    p50_ms: at(50),
    p99_ms: at(99),
    runs_per_s: runs / seconds,
    steps_per_s: (runs * steps) / seconds,
  }),
);
agent.destroy();
