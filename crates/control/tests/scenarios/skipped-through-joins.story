      0s    the run begins
      0s    a is skipped: its condition does not hold: github.ref_name == 'release'
      0s    b/s begins
      0s    b/s success
      0s    b success
      0s    join is skipped: `a`, which it needs, was skipped
      0s    after is skipped: `join`, which it needs, was skipped
      0s    regardless/s begins
      0s    rescue is skipped: its condition does not hold: failure()
      0s    regardless/s success
      0s    regardless success
      0s    behind is skipped: `a`, which comes before what it needs, was skipped
      0s    the run succeeded
      0s  > expect job a skipped because its condition does not hold: github.ref_name == 'release'
      0s  > expect job b success
      0s  > expect job join skipped because `a`, which it needs, was skipped
      0s  > expect job after skipped because `join`, which it needs, was skipped
      0s  > expect job regardless success
      0s  > expect job behind skipped because which comes before what it needs, was skipped
      0s  > expect job rescue skipped because its condition does not hold: failure()
      0s  > expect run succeeded
