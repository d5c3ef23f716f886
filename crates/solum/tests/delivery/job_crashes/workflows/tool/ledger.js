const net = require("net");

module.exports = (what, then = () => {}) => {
  const [host, port] = process.env.LEDGER.split(":");
  const ledger = net.connect(port, host, () => ledger.write(`${process.env.MARK} ${what}\n`));
  ledger.on("data", (answer) => {
    if (answer.toString() !== "ok\n") throw new Error(`the ledger answered ${answer}`);
    console.log(`noted ${what}`);
    ledger.end();
    then();
  });
};
