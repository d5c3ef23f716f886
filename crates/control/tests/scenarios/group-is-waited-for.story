      0s    the run begins
      0s    the run asks for a place in group `deliver-main`
      0s    the run waits
      0s    the run has its place
      0s    test/s begins
      0s    the run goes on
      0s  > group environments is taken
      1m    test/s success
      1m    test success
      1m    dev asks for a place in group `environments`
      1m    prod asks for a place in group `Environments`
      1m    the run waits
      1m    dev cancelled
      2m  > expect after 2m job dev cancelled
      2m  > expect after 0s job prod waiting
      3m  > after 1m group environments is free
      3m    prod has its place
      3m    prod/s begins
      3m    the run goes on
      8m    prod/s success
      8m    prod success
      8m    the run cancelled
      8m  > expect run cancelled
      8m  > expect job prod success
      8m  > expect elapsed 8m
