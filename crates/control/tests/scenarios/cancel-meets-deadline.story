      0s    the run begins
      0s    build/compile begins
      0s    build/compile success
      0s    build success
      0s    prod/ask waits for 2 approvals by role:operator, carol, for 3d at most
      0s    the run waits
      0s  > expect waiting approval prod
      3d  > by 72h cancel as erin
      3d    erin cancels the run
      3d    prod is to stop: the run was cancelled
      3d    prod/ask cancelled
      3d    prod/ship cancelled
      3d    prod cancelled
      3d    the run cancelled
      3d  > expect step prod/ask cancelled
      3d  > expect run cancelled
