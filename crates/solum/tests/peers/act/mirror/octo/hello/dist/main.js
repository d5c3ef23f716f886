const fs = require('fs');
const { greeting } = require('./words');
const set = (name, value) => fs.appendFileSync(process.env.GITHUB_OUTPUT, `${name}=${value}\n`);
set('said', `${greeting}, ${process.env.INPUT_WHO} by ${process.env['INPUT_GIVEN-BY']}`);
set('prepared', process.env.PREPARED);
set('whose', `${process.env.GITHUB_ACTION_REPOSITORY}@${process.env.GITHUB_ACTION_REF}`);
