      0s    the run begins
      0s    build/compile begins
      0s    build/compile success
      0s    build success
      0s    prod/ask waits for 2 approvals by role:operator, carol, for 3d at most
      0s    the run waits
      0s  > expect waiting approval prod
      0s  > approve prod as bob
      0s    bob approves prod/ask
      0s  > cancel as erin
      0s    erin cancels the run
      0s    prod is to stop: the run was cancelled
      0s    prod/ask cancelled
      0s    prod/ship cancelled
      0s    prod cancelled
      0s    the run cancelled
      0s  > approve prod as dave is refused because the run has ended
      0s  > expect step prod/ask cancelled
      0s  > expect run cancelled
