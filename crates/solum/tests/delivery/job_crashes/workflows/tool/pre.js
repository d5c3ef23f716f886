require("./ledger.js")("pre");
