      0s    the run begins
      0s    the run asks for a place in group `deliver-main`
      0s    the run waits
      0s    the run has its place
      0s    test/s begins
      0s    the run goes on
      1m  > after 1m group deliver-main is wanted
      2m  > expect after 1m job test running
      2m  > group deliver-main is wanted at once
      2m    solum cancels the run
      2m    test is to stop: the run was cancelled
      2m    test/s is told to stop: the run was cancelled
      2m    test/s cancelled
      2m    test cancelled
      2m    dev is skipped: `test`, which it needs, was cancelled
      2m    prod is skipped: `test`, which it needs, was cancelled
      2m    the run cancelled
      2m  > expect job test cancelled
      2m  > expect run cancelled
      2m  > expect elapsed 2m
