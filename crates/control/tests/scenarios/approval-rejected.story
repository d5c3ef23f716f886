      0s    the run begins
      0s    build/compile begins
      0s    build/compile success
      0s    build success
      0s    prod/ask waits for 2 approvals by role:operator, carol, for 3d at most
      0s    the run waits
      0s  > expect waiting approval prod
      0s  > approve prod as bob
      0s    bob approves prod/ask
     10m  > after 10m reject prod as dave saying "not on a Friday"
     10m    prod/ask failure: dave rejected it: not on a Friday
     10m    prod/ship is skipped: a step before it failed
     10m    prod failure
     10m    the run failed
     10m  > expect step prod/ask failure because dave rejected it: not on a Friday
     10m  > expect step prod/ship skipped because a step before it failed
     10m  > expect run failed because rejected
     10m  > approve prod as erin is refused because the run has ended
     10m  > expect environment prod at previous release
