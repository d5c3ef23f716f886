      0s    the run begins
      0s    work/long begins
     10m    work/long success
     10m    work/tidy begins
     10m    work/tidy success
     10m    work success
     10m    the run succeeded
     10m  > after 10m cancel as alice is refused because the run has ended: it succeeded
     10m  > expect run succeeded
     10m  > report work/long attempt 1 fails is refused because the run has ended
     10m  > expect run succeeded
