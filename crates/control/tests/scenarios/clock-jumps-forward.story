      0s    the run begins
      0s    build/compile begins
      1m  > after 1m clock forward 1h
     10m    build/compile success
     10m    build success
     10m    prod/ask waits for 2 approvals by role:operator, carol, for 3d at most
     10m    the run waits
     10m  > expect waiting approval prod
     10m  > expect elapsed 10m
     10m  > clock forward 72h
     10m    prod/ask failure: nobody who may has decided it in time
     10m    prod/ship is skipped: a step before it failed
     10m    prod failure
     10m    the run failed
     10m  > expect after 0s step prod/ask failure because in time
     10m  > expect elapsed 10m
