require('fs').appendFileSync(process.env.GITHUB_ENV, 'PREPARED=yes\n');
