      0s    the run begins
      0s    work/long begins
     10m  > by 10m cancel as alice
     10m    alice cancels the run
     10m    work is to stop: the run was cancelled
     10m    work/long is told to stop: the run was cancelled
     10m    work/long success
     10m    work/tidy begins
     11m    work/tidy success
     11m    work success
     11m    the run succeeded
     11m  > expect step work/long success
     11m  > expect step work/tidy success
     11m  > expect run succeeded
     11m  > expect elapsed 11m
