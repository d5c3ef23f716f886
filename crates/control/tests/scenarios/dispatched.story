      0s    the run begins
      0s    check is skipped: its condition does not hold: inputs.dry_run
      0s    ship/s begins
     20s    ship/s success deployment=dep_2 environment=prod release=v2 url=http://app.example.org
     20s    ship success
     20s    the run succeeded
     20s  > expect job check skipped because its condition does not hold: inputs.dry_run
     20s  > expect job ship success
     20s  > expect environment prod at new release
