const { appendFileSync } = require("node:fs");

const words = process.env.INPUT_WORDS.split(" ").length;
appendFileSync(process.env.GITHUB_OUTPUT, `count=${words} ${process.env["INPUT_LABEL_OF"]}\n`);
appendFileSync(process.env.GITHUB_STATE, `words=${words}\n`);
appendFileSync(process.env.GITHUB_ENV, `COUNTED=${words}\n`);
