const fs = require("fs");
require("./ledger.js")("main", () => {
  fs.appendFileSync(process.env.GITHUB_OUTPUT, `said=${process.env.INPUT_WORD} and back\n`);
  fs.appendFileSync(process.env.GITHUB_STATE, "kept=for later\n");
});
