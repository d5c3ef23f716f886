if (process.env.STATE_words !== "3") {
  console.log(`::error::the state says ${process.env.STATE_words}`);
  process.exit(1);
}
