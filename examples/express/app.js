const express = require("express");

const app = express();

app.get("/", (request, response) => {
  response.type("text").send("Hello from express v1\n");
});

module.exports = app;
