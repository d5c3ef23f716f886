      0s    the run begins
      0s    slow/hang begins
      0s    default/hang begins
      0s    step/hang begins
      1m    step/hang is told to stop: its time is over
      1m    step/hang failure: it took longer than its time limit
      1m    step/next begins
      1m    step/next success
      1m    step success
      1m  > expect after 1m step step/hang failure because it took longer than its time limit
      1m  > expect after 0s job step success
     10m    slow is to stop: its time is over
     10m    slow/hang is told to stop: the time of its job is over
     10m    slow/hang cancelled
     10m    slow/tidy begins
     10m  > expect after 9m step slow/tidy running
  10m30s    slow/tidy success
  10m30s    slow cancelled
  10m30s  > expect after 30s job slow cancelled
  10m30s  > expect step slow/hang cancelled
      6h    default is to stop: its time is over
      6h    default/hang is told to stop: the time of its job is over
      6h    default/hang cancelled
      6h    default cancelled
      6h    the run failed
      6h  > expect after 5h49m30s job default cancelled
      6h  > expect run failed
      6h  > expect elapsed 6h
