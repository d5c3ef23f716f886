      0s    the run begins
      0s    build/compile begins
      0s    build/compile success
      0s    build success
      0s    prod/ask waits for 2 approvals by role:operator, carol, for 3d at most
      0s    the run waits
      0s  > expect waiting approval prod
      3d    prod/ask failure: nobody who may has decided it in time
      3d    prod/ship is skipped: a step before it failed
      3d    prod failure
      3d    the run failed
      3d  > after 72h cancel as erin is refused because the run has ended: it failed
      3d  > expect run failed because timeout
