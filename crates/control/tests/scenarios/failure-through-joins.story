      0s    the run begins
      0s    a/s begins
      0s    b/s begins
      0s    a/s success
      0s    a success
      0s    b/s failure: it ended with exit code 2
      0s    b failure
      0s    join is skipped: `b`, which it needs, failed
      0s    after is skipped: `join`, which it needs, was skipped
      0s    regardless/s begins
      0s    rescue/s begins
      0s    regardless/s success
      0s    regardless success
      0s    behind is skipped: `b`, which comes before what it needs, failed
      0s    rescue/s success
      0s    rescue success
      0s    the run failed
      0s  > expect job join skipped because `b`, which it needs, failed
      0s  > expect job rescue success
      0s  > expect run failed because it ended with exit code 2
