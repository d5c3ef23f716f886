      0s    the run begins
      0s    build becomes build (linux, 1) · build (linux, 2) · build (mac, 1) · build (mac, 2)
      0s    build.0/compile begins
      0s    build.1/compile begins
      0s    build.2/compile begins
      0s    patient becomes patient (1) · patient (2)
      0s    patient.0/compile begins
      0s    patient.1/compile begins
     30s  > expect after 30s job build.3 waiting
      1m    build.0/compile success
      1m    build.0 success
      1m    build.3/compile begins
      1m    patient.0/compile failure: it failed
      1m    patient.0 failure
   1m30s  > expect after 1m job build (mac, 2) running
      2m    build.1/compile failure: it ended with exit code 1
      2m    build.1 failure
      2m    build.2 is to stop: another leg of its matrix failed
      2m    build.2/compile is told to stop: another leg of its matrix failed
      2m    build.3 is to stop: another leg of its matrix failed
      2m    build.3/compile is told to stop: another leg of its matrix failed
      2m    build.2/compile cancelled
      2m    build.2 cancelled
      2m    build.3/compile cancelled
      2m    build.3 cancelled
      2m    build failure
      5m    patient.1/compile success
      5m    patient.1 success
      5m    patient failure
      5m    ship is skipped: `build`, which it needs, failed
      5m    the run failed
      5m  > expect job build (linux, 1) success
      5m  > expect job build (linux, 2) failure because it ended with exit code 1
      5m  > expect job build (mac, 1) cancelled
      5m  > expect job build (mac, 2) cancelled
      5m  > expect job build failure
      5m  > expect job patient (2) success
      5m  > expect job ship skipped because `build`, which it needs, failed
      5m  > expect run failed
      5m  > expect elapsed 5m
