const app = require("./app");

const server = app.listen(process.env.PORT, "127.0.0.1");

process.on("SIGTERM", () => server.close());
