      0s    the run begins
      0s    build/compile begins
      0s    build/compile success
      0s    build success
      0s    prod/ask waits for 2 approvals by role:operator, carol, for 3d at most
      0s    the run waits
      0s  > expect waiting approval prod
   2d23h  > after 71h clock back 2h
    3d1h  > expect after 2h run waiting
    3d2h    prod/ask failure: nobody who may has decided it in time
    3d2h    prod/ship is skipped: a step before it failed
    3d2h    prod failure
    3d2h    the run failed
    3d2h  > expect after 1h run failed because timeout
    3d2h  > expect elapsed 74h
