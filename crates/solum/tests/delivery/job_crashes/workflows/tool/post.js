if (process.env.STATE_kept !== "for later") throw new Error("the state is lost");
require("./ledger.js")("post");
